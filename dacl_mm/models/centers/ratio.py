"""Scores from the ratio of attention-weighted distances."""

import math

import torch
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError

from .class_centers import ClassCenters


@MODELS.register_module()
class RatioCenters(ClassCenters):
    """The nearer a centre is in relation to the others, the likelier its class.

    ``D_k = sum_j A_j (z_j - c_kj)^2 + eps`` and ``l_k = -nu log D_k``: the probability of a class is
    proportional to ``D_k ** -nu``. With the cross-entropy to shares q,
    ``dL/dA_j = nu sum_k (q_k - p_k) (z_j - c_kj)^2 / D_k``: a weight grows where the own centre is
    near and rival ones are far, and falls where it is the other way. Scaling A adds the same to all
    l_k, so ``sum_j A_j dL/dA_j = 0`` but for eps: neither a small A nor a sharp one pays.

    For two classes the difference of the scores is the log-ratio of the distances, a monotone
    function of the relative distance of generalized learning vector quantisation [0], and A is its
    relevance [1], here of each image.

    References:
        [0] Sato & Yamada, Generalized Learning Vector Quantization, NIPS 1995.
        [1] Hammer & Villmann, Generalized Relevance Learning Vector Quantization,
            Neural Networks 2002.

    Args:
        num_classes: K.
        feat_channels: Width d of the embedding.
        sharpness: nu at the start; it is learned, as its logarithm.
        eps: Added to each distance.
    """

    def __init__(
        self, num_classes: int, feat_channels: int, sharpness: float = 32.0, eps: float = 1e-6
    ) -> None:
        super().__init__(num_classes, feat_channels)
        if sharpness <= 0 or eps <= 0:
            raise UserError(f'sharpness and eps must be positive, got sharpness={sharpness}, eps={eps}')
        self.sharpness = sharpness
        self.eps = eps
        self.log_nu = nn.Parameter(torch.empty(()))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start anew."""
        super().reset_parameters()
        nn.init.constant_(self.log_nu, math.log(self.sharpness))

    def forward(self, embedding: Tensor, attention: Tensor) -> Tensor:
        """Map embeddings z, (N, d), and weights A of mean 1, (N, d), to scores l, (N, K)."""
        error = (embedding.unsqueeze(1) - self.weight).square()  # (N, K, d)
        distance = (attention.unsqueeze(1) * error).sum(2) + self.eps  # D, (N, K)
        return -self.log_nu.exp() * distance.log()
