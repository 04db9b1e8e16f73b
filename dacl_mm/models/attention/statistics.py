"""Attention from the first two moments of the feature map."""

import torch
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn

#: Added to the variance before its root, whose slope at 0 is infinite: a dead channel has variance 0.
EPS = 1e-5


class ZeroLinear(nn.Linear):
    """A linear layer that starts at 0."""

    def reset_parameters(self) -> None:
        """Set weight and bias to 0."""
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)


def gate(logits: Tensor) -> Tensor:
    """Map any logits to weights in [0.05, 1], which start at 0.525 for a logit of 0.

    No weight falls below a twentieth of another: an attention that keeps a single dimension
    is out of reach.
    """
    return 0.05 + 0.95 * logits.sigmoid()


@MODELS.register_module()
class StatisticsMLP(BaseModule):
    """One number per embedding dimension from mean and spread of each channel.

    ``W2 ReLU(BN(W1 u))``, u = [mean, standard deviation] over the places, 2 C -> 64 -> d.
    W2 starts at 0, and so does the output. Beside an embedding (``residual`` of
    :class:`~dacl_mm.models.heads.AttentiveCenterHead`) it is the control that tells what
    weights add over as many parameters without them.

    Args:
        in_channels: Channels C of the feature map.
        feat_size: Accepted as :class:`DACLAttention` does, and without influence.
        out_channels: d.
        hidden_channels: Width between the two layers.
    """

    def __init__(
        self,
        in_channels: int = 512,
        feat_size: object = None,
        out_channels: int = 512,
        hidden_channels: int = 64,
    ) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.encoder = nn.Sequential(
            nn.Linear(2 * in_channels, hidden_channels), nn.BatchNorm1d(hidden_channels), nn.ReLU()
        )
        self.last = ZeroLinear(hidden_channels, out_channels)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, d)."""
        with torch.autocast(feature_map.device.type, enabled=False):
            feature_map = feature_map.to(self.last.weight.dtype)
            variance, mean = torch.var_mean(feature_map, (2, 3), correction=0)  # (N, C) each
            statistics = torch.cat([mean, (variance + EPS).sqrt()], 1)  # u, (N, 2C)
            out: Tensor = self.last(self.encoder(statistics))
            return out


@MODELS.register_module()
class StatisticsAttention(StatisticsMLP):
    """Attention from :class:`StatisticsMLP`: a weight in [0.05, 1] per dimension, alike at the start.

    Args:
        **kwargs: Those of :class:`StatisticsMLP`.
    """

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to the weights, (N, d)."""
        return gate(super().forward(feature_map))


@MODELS.register_module()
class GlobalAttention(BaseModule):
    """The control that tells what weights of each image add: one learned weight per dimension.

    Args:
        in_channels, feat_size: Accepted as :class:`DACLAttention` does, and without influence.
        out_channels: d.
    """

    def __init__(self, in_channels: int = 512, feat_size: object = None, out_channels: int = 512) -> None:
        super().__init__()
        self.out_channels = out_channels
        self.logits = nn.Parameter(torch.zeros(out_channels))

    def reset_parameters(self) -> None:
        """Make all weights alike."""
        nn.init.zeros_(self.logits)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Return the weights in [0.05, 1], (N, d), for a feature map (N, C, H, W)."""
        return gate(self.logits).expand(len(feature_map), -1)
