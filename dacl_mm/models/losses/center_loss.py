"""Attentive (sparse) centre loss and the centres it owns.

References:
    [0] Farzaneh & Qi, Facial Expression Recognition in the Wild via Deep
        Attentive Center Loss, WACV 2021.
    [1] Wen et al., A Discriminative Feature Learning Approach for Deep Face
        Recognition, ECCV 2016.
"""

import math
from typing import NamedTuple

import torch
from mmengine.dist import all_reduce, broadcast
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError


def sparse_center_loss(
    embedding: Tensor, centers: Tensor, label: Tensor, attention: Tensor | None = None
) -> Tensor:
    """Attention-weighted squared distance to the own class centre.

    Args:
        embedding: x, (N, d).
        centers: c, (K, d).
        label: y in [0, K), (N,).
        attention: A in [0, 1], (N, d). None stands for A = 1, the plain
            centre loss of [1].

    Returns:
        Scalar ``1 / (2 N) * sum_ij A_ij (x_ij - c_{y_i j})^2``.
    """
    distance = (embedding - centers[label]).square()  # (N, d)
    if attention is not None:
        distance = attention * distance
    return distance.sum() / (2 * len(embedding))


def center_step_sums(
    embedding: Tensor, centers: Tensor, label: Tensor, attention: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Per-class numerators and counts of the centre update of one batch.

    Shapes as in :func:`sparse_center_loss`.

    Returns:
        ``sum_{i: y_i = k} A_i (c_k - x_i)``, (K, d), and the class counts
        n_k, (K,).
    """
    gap = centers[label] - embedding  # (N, d)
    if attention is not None:
        gap = attention * gap
    sums = torch.zeros_like(centers).index_add_(0, label, gap)
    counts = centers.new_zeros(len(centers)).index_add_(0, label, centers.new_ones(len(label)))
    return sums, counts


class CenterBatch(NamedTuple):
    """Detached values of the last training batch, for monitoring."""

    embedding: Tensor  # (N, d)
    label: Tensor  # (N,)
    attention: Tensor | None  # (N, d)


@MODELS.register_module()
class SparseCenterLoss(nn.Module):
    """Attentive centre loss with class centres that the loss does not train.

    The centres live in the buffer ``centers``: saved and moved with the model
    and in no optimizer. In training mode every forward pass adds to the sums of
    the running step; :class:`~dacl_mm.engine.hooks.CenterUpdateHook` calls
    :meth:`update_centers` once per optimizer step. The mathematics runs in
    float32 (or wider) whatever the autocast state.

    Args:
        num_classes: K.
        feat_channels: Width d of the embedding.
        loss_weight: lambda. It scales the loss and not the centre update.
    """

    centers: Tensor
    step_sums: Tensor
    step_counts: Tensor

    def __init__(self, num_classes: int, feat_channels: int, loss_weight: float = 0.01):
        super().__init__()
        if num_classes < 1 or feat_channels < 1:
            raise UserError(
                'num_classes and feat_channels must be positive, got '
                f'num_classes={num_classes}, feat_channels={feat_channels}'
            )
        if loss_weight < 0:
            raise UserError(f'loss_weight must not be negative, got {loss_weight}')
        self.num_classes = num_classes
        self.feat_channels = feat_channels
        self.loss_weight = loss_weight
        self.register_buffer('centers', torch.empty(num_classes, feat_channels))
        self.register_buffer('step_sums', torch.zeros(num_classes, feat_channels), persistent=False)
        self.register_buffer('step_counts', torch.zeros(num_classes), persistent=False)
        self.update_norm: Tensor | None = None
        self.last_batch: CenterBatch | None = None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the centres anew: Kaiming normal on the transpose of (K, d), whose fan-in is K."""
        nn.init.normal_(self.centers, std=math.sqrt(2 / self.num_classes))

    def forward(self, embedding: Tensor, label: Tensor, attention: Tensor | None = None) -> Tensor:
        """Return ``lambda * Lc``, a scalar.

        Args:
            embedding: (N, d) of any floating type.
            label: Integer class indices, (N,).
            attention: (N, d), or None for A = 1.

        Raises:
            UserError: If the embedding or the attention is not (N, d).
        """
        expected = (len(label), self.feat_channels)
        for name, value in (('embedding', embedding), ('attention', attention)):
            if value is not None and tuple(value.shape) != expected:
                raise UserError(
                    f'the centre loss expects the {name} as (N, d) = {expected}, got '
                    f'{tuple(value.shape)}: feat_channels must equal the embedding width'
                )
        with torch.autocast(embedding.device.type, enabled=False):
            embedding = embedding.to(self.centers.dtype)
            attention = None if attention is None else attention.to(self.centers.dtype)
            if self.training:
                self._collect(embedding, label, attention)
            loss = sparse_center_loss(embedding, self.centers, label, attention)
            return self.loss_weight * loss

    @torch.no_grad()
    def _collect(self, embedding: Tensor, label: Tensor, attention: Tensor | None) -> None:
        attention = None if attention is None else attention.detach()
        self.last_batch = CenterBatch(embedding.detach(), label, attention)
        sums, counts = center_step_sums(embedding, self.centers, label, attention)
        self.step_sums += sums
        self.step_counts += counts

    @torch.no_grad()
    def update_centers(self, alpha: float) -> None:
        """Apply ``c_k -= alpha * sum_k / (1 + n_k)`` over all ranks and reset the sums.

        A class without a sample since the last call does not move. Not scaled
        by lambda and not divided by the batch size.
        """
        all_reduce(self.step_sums)
        all_reduce(self.step_counts)
        step = alpha * self.step_sums / (1 + self.step_counts).unsqueeze(1)  # (K, d)
        self.centers -= step
        self.update_norm = step.norm()
        self.step_sums.zero_()
        self.step_counts.zero_()

    def broadcast_centers(self) -> None:
        """Give every rank the centres of rank 0: DDP does not broadcast buffers here."""
        broadcast(self.centers)


@MODELS.register_module()
class CenterLoss(SparseCenterLoss):
    """Plain centre loss [1]: the sparse centre loss with A = 1.

    With the normalisation 1 / (2 N) that [0] gives both losses, so that one
    ``loss_weight`` compares them.
    """

    def forward(self, embedding: Tensor, label: Tensor) -> Tensor:
        """Return ``lambda * Lc`` for embeddings (N, d) and labels (N,)."""
        return super().forward(embedding, label)
