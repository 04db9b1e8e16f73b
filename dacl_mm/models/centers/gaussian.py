"""Scores from Gaussians whose precisions are learned."""

import math

import torch
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError

from .class_centers import ClassCenters

#: Bounds of log A: a class whose images have collapsed has no infinite precision.
LOW, HIGH = -2.0, 3.0
PRECISIONS = ('class', 'shared', 'fixed')


@MODELS.register_module()
class GaussianCenters(ClassCenters):
    """Linear or quadratic discriminant analysis with a diagonal covariance, trained by gradient.

    ``A_kj = exp(alpha_j + delta_kj)`` is the precision of dimension j in class k, and
    ``l_k = -(s/2) sum_j [A_kj (z_j - c_kj)^2 - log A_kj]``, s = 1 / sqrt(d). The penalty
    ``(lambda / 2d) sum_k q_k sum_j [A_kj (z_j - c_kj)^2 - log A_kj] + rho |delta|^2`` is the negative
    log-likelihood of the own class: without the log-determinant any A would shrink. An attention's
    weights multiply the precision; those of mean 1 that are all alike change nothing.

    Reference: Wan et al., Rethinking Feature Distribution for Loss Functions in Image
    Classification, CVPR 2018 (a Gaussian mixture as classifier; here with the covariance in
    the squared term, with its log-determinant, and bounded).

    Args:
        num_classes: K.
        feat_channels: Width d of the embedding.
        precision: 'class' learns alpha and delta, 'shared' alpha alone (all classes have one A),
            'fixed' neither: A = 1.
        likelihood_weight: lambda.
        delta_weight: rho.
    """

    def __init__(
        self,
        num_classes: int,
        feat_channels: int,
        precision: str = 'class',
        likelihood_weight: float = 0.1,
        delta_weight: float = 0.01,
    ) -> None:
        super().__init__(num_classes, feat_channels)
        if precision not in PRECISIONS:
            raise UserError(f'precision must be one of {", ".join(PRECISIONS)}, got {precision!r}')
        if likelihood_weight < 0 or delta_weight < 0:
            raise UserError(
                'likelihood_weight and delta_weight must not be negative, got '
                f'likelihood_weight={likelihood_weight}, delta_weight={delta_weight}'
            )
        self.scale = 1 / math.sqrt(feat_channels)  # s
        self.likelihood_weight = likelihood_weight
        self.delta_weight = delta_weight
        self.alpha = nn.Parameter(torch.zeros(feat_channels), precision != 'fixed')
        self.delta = nn.Parameter(torch.zeros(num_classes, feat_channels), precision == 'class')

    def reset_parameters(self) -> None:
        """Start anew: all precisions at 1."""
        super().reset_parameters()
        nn.init.zeros_(self.alpha)
        nn.init.zeros_(self.delta)

    def log_precision(self) -> Tensor:
        """Return log A in [-2, 3], (K, d)."""
        if not self.training:
            return (self.alpha + self.delta).clamp(LOW, HIGH)
        self._project()
        return self.alpha + self.delta

    @torch.no_grad()
    def _project(self) -> None:
        """Bring the parameters back to the bounds, where they keep a gradient; a clamp's is 0."""
        self.alpha.clamp_(LOW, HIGH)
        self.delta.copy_((self.alpha + self.delta).clamp(LOW, HIGH) - self.alpha)

    def forward(self, embedding: Tensor, attention: Tensor) -> Tensor:
        """Map embeddings z, (N, d), and weights of mean 1, (N, d), to scores l, (N, K)."""
        log_a = attention.log().unsqueeze(1) + self.log_precision()  # (N, K, d)
        error = (embedding.unsqueeze(1) - self.weight).square()  # (N, K, d)
        return -self.scale / 2 * (log_a.exp() * error - log_a).sum(2)

    def penalty(self, scores: Tensor, target: Tensor) -> Tensor:
        """Return the likelihood's part and the bound of delta, a scalar."""
        likelihood = -(target * scores).sum(1).mean() / (self.scale * self.feat_channels)
        return self.likelihood_weight * likelihood + self.delta_weight * self.delta.square().sum()
