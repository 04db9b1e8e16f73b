"""Centre loss whose centres keep apart in angle."""

import torch
from mmpretrain.registry import MODELS
from torch import Tensor

from dacl_mm.errors import UserError

from .center_loss import CenterLoss


def island_penalty(centers: Tensor) -> Tensor:
    """Return ``sum_j sum_{k != j} (cos(c_k, c_j) + 1)``, a scalar, for centres (K, d)."""
    direction = torch.nn.functional.normalize(centers, dim=1)
    cosine = direction @ direction.T  # (K, K)
    penalty: Tensor = (cosine + 1).sum() - (cosine.diagonal() + 1).sum()
    return penalty


def island_step(centers: Tensor) -> Tensor:
    """Return ``sum_{k != j} [c_k / (|c_k| |c_j|) - cos(c_k, c_j) c_j / |c_j|^2] / (K - 1)``, (K, d)."""
    length = centers.norm(dim=1, keepdim=True).clamp_min(1e-12)  # (K, 1)
    direction = centers / length
    cosine = direction @ direction.T
    cosine.fill_diagonal_(0)
    others = direction.sum(0) - direction
    step: Tensor = (others - cosine.sum(1, keepdim=True) * direction) / length / (len(centers) - 1)
    return step


@MODELS.register_module()
class IslandLoss(CenterLoss):
    """``lambda [Lc + lambda1 sum_j sum_{k != j} (cos(c_k, c_j) + 1)]``, Lc the centre loss.

    The second part moves the centres alone, which this loss moves itself as the centre loss does:
    ``c_j -= alpha [sum_i (c_j - x_i) / (1 + n_j) + lambda1 / (K - 1) d cos]``, of the same forward
    pass; a class without a sample moves by the second part. Lc is divided by the batch size, as
    everywhere here; the paper adds up.

    Reference: Cai et al., Island Loss for Learning Discriminative Features in Facial Expression
    Recognition, FG 2018, section III.

    Args:
        num_classes: K, at least 2.
        feat_channels: Width d of the embedding.
        loss_weight: lambda, 0.01 as published.
        alpha: Step size of the centres.
        island_weight: lambda1, 10 as published.
    """

    def __init__(
        self,
        num_classes: int,
        feat_channels: int,
        loss_weight: float = 0.01,
        alpha: float = 0.5,
        island_weight: float = 10.0,
    ) -> None:
        super().__init__(num_classes, feat_channels, loss_weight, alpha)
        if num_classes < 2:
            raise UserError(f'the island loss needs num_classes of at least 2, got {num_classes}')
        if island_weight < 0:
            raise UserError(f'island_weight must not be negative, got {island_weight}')
        self.island_weight = island_weight

    def forward(self, embedding: Tensor, label: Tensor, attention: Tensor | None = None) -> Tensor:
        """Return the weighted loss, a scalar, for embeddings (N, d) and labels (N,)."""
        with torch.autocast(embedding.device.type, enabled=False):
            penalty = island_penalty(self.centers)
        return super().forward(embedding, label, attention) + self.loss_weight * self.island_weight * penalty

    @torch.no_grad()
    def update_centers(self, factor: float | Tensor = 1.0) -> None:
        """Move the centres to their samples and apart from one another.

        Args:
            factor: What the schedule makes of alpha.
        """
        before = self.centers.clone()
        super().update_centers(factor)
        self.centers -= factor * self.alpha * self.island_weight * island_step(before)
        self.update_norm = (self.centers - before).norm()
