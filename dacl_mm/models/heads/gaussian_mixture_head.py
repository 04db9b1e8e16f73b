"""A Gaussian mixture as classifier."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.models.heads import ClsHead
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor, nn

from dacl_mm.errors import UserError

from .targets import ClassShares

#: Bounds of the logarithm of a variance: one that falls to 0 would take the loss to minus infinity.
LOW, HIGH = -3.0, 2.0


@MODELS.register_module()
class GaussianMixtureHead(ClsHead):
    """Large-margin Gaussian mixture (L-GM) loss, with its covariance.

    ``d_k = 1/2 sum_j (x_j - m_kj)^2 / v_kj`` and logits ``-d_k - 1/2 sum_j log v_kj`` (classes are
    equally likely a priori). In training the own class is farther by the margin, ``(1 + alpha) d_y``,
    and ``lambda (d_y + 1/2 sum_j log v_yj)`` is added. Widely copied code leaves v out of this d_y,
    so that the log-determinant has nothing against it and falls without bound; the authors' own
    keeps v at 1. Here v is learned, is in every d_k, and is bounded. Of shares q the margin is
    ``1 + alpha q_k`` and the likelihood their mean. Computed in float32 (or wider).

    Reference: Wan et al., Rethinking Feature Distribution for Loss Functions in Image
    Classification, CVPR 2018, section 3 (equations as a public PyTorch copy numbers them); code in
    WeitaoVan/L-GM-loss, where alpha rises from 0.1 to 0.3 and lambda is 0.01.

    Args:
        num_classes: K.
        in_channels: Width d of the embedding, after a neck that pools.
        margin: alpha.
        likelihood_weight: lambda.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        margin: float = 0.1,
        likelihood_weight: float = 0.1,
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg=init_cfg)
        if margin < 0 or likelihood_weight < 0:
            raise UserError(
                'margin and likelihood_weight must not be negative, got '
                f'margin={margin}, likelihood_weight={likelihood_weight}'
            )
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.margin = margin
        self.likelihood_weight = likelihood_weight
        self.means = nn.Parameter(torch.empty(num_classes, in_channels))
        self.log_variance = nn.Parameter(torch.empty(num_classes, in_channels))
        self.class_shares = ClassShares(num_classes)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the means as :class:`~dacl_mm.models.losses.SparseCenterLoss` does; all variances are 1."""
        nn.init.normal_(self.means, std=math.sqrt(2 / self.num_classes))
        nn.init.zeros_(self.log_variance)

    def distances(self, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """Return d, (N, K), and half the log-determinants, (K,), for embeddings (N, d)."""
        if self.training:
            with torch.no_grad():
                self.log_variance.clamp_(LOW, HIGH)  # here, since a clamp on the way has no gradient
        error = (embedding.to(self.means.dtype).unsqueeze(1) - self.means).square()  # (N, K, d)
        distance = (error * (-self.log_variance).exp()).sum(2) / 2  # d, eq. 18 by halves
        return distance, self.log_variance.sum(1) / 2

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the logits, (N, K)."""
        distance, log_determinant = self.distances(self.pre_logits(feats))
        return -distance - log_determinant

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return ``loss_cls`` and ``loss_likelihood`` (weighted by lambda), means over the batch."""
        target = self.class_shares(data_samples).to(self.means.dtype)  # q, (N, K)
        distance, log_determinant = self.distances(self.pre_logits(feats))
        logits = -(1 + self.margin * target) * distance - log_determinant  # eq. 17
        likelihood = (target * (distance + log_determinant)).sum(1).mean()
        return dict(
            loss_cls=F.cross_entropy(logits, target), loss_likelihood=self.likelihood_weight * likelihood
        )
