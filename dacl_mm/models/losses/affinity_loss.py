"""Centre loss in relation to how far the centres are from one another."""

import torch
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError


@MODELS.register_module()
class AffinityLoss(nn.Module):
    """``1/N sum_i |x_i - c_{y_i}|^2 / sum_j Var_k(c_kj)``; for :class:`~dacl_mm.models.heads.CenterLossHead`.

    The centres are trained by the gradient, and with the model's weight decay, as published. The
    variance is that over the classes, unbiased. The mathematics runs in float32 (or wider).

    Reference: Wen et al., Distract Your Attention: Multi-head Cross Attention Network for Facial
    Expression Recognition, Biomimetics 2023, the feature clustering network's affinity loss; code
    in yaoing/DAN.

    Args:
        num_classes: K, at least 2.
        feat_channels: Width d of the embedding.
        loss_weight: Weight, 1 as published.
    """

    def __init__(self, num_classes: int, feat_channels: int, loss_weight: float = 1.0) -> None:
        super().__init__()
        if num_classes < 2 or feat_channels < 1:
            raise UserError(
                'the affinity loss needs num_classes of at least 2 and feat_channels of at least 1, got '
                f'num_classes={num_classes}, feat_channels={feat_channels}'
            )
        if loss_weight < 0:
            raise UserError(f'loss_weight must not be negative, got {loss_weight}')
        self.num_classes = num_classes
        self.feat_channels = feat_channels
        self.loss_weight = loss_weight
        self.centers = nn.Parameter(torch.empty(num_classes, feat_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the centres anew, standard normal as published."""
        nn.init.normal_(self.centers)

    def forward(self, embedding: Tensor, label: Tensor) -> Tensor:
        """Return the weighted loss, a scalar, for embeddings (N, d) and labels (N,).

        Raises:
            UserError: If the embedding is of another width.
        """
        if embedding.shape[1] != self.feat_channels:
            raise UserError(
                f'the affinity loss was built for embeddings of {self.feat_channels} channels, got '
                f'{embedding.shape[1]}: feat_channels must equal the embedding width'
            )
        # 16-bit embeddings become the centres' float32 here.
        own = (embedding - self.centers[label]).square().sum(1)  # (N,)
        between = self.centers.var(0).sum()
        return self.loss_weight * (own / between).mean()
