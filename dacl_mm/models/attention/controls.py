"""Attentions that tell what a part of DACL's adds."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor

from dacl_mm.errors import UserError

from .dacl import DACLAttention


@MODELS.register_module()
class ShuffledAttention(DACLAttention):
    """The control that tells what the dependence of A on its own input adds.

    The same network as :class:`DACLAttention`, trained by the same loss; in training
    its rows are put in random order, so A keeps its distribution and loses its sample.

    Args:
        **kwargs: Those of :class:`DACLAttention`.
    """

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to A, (N, d), its rows shuffled in training."""
        attention = super().forward(feature_map)
        if not self.training:
            return attention
        return attention[torch.randperm(len(attention), device=attention.device)]


@MODELS.register_module()
class ConstantAttention(BaseModule):
    """A fixed at one value: the control that tells what learning A adds.

    Args:
        value: The attention of every dimension of every sample, in [0, 1].
            1 makes DACL the plain centre loss.
        in_channels, feat_size: Accepted as :class:`DACLAttention` does, and
            without influence.
        out_channels: Width d.
    """

    def __init__(
        self,
        value: float = 0.5,
        in_channels: int = 512,
        feat_size: int | Sequence[int] = 7,
        out_channels: int = 512,
    ):
        super().__init__()
        if not 0 <= value <= 1:
            raise UserError(f'the attention value must lie in [0, 1], got {value}')
        self.value = value
        self.out_channels = out_channels

    def forward(self, feature_map: Tensor) -> Tensor:
        """Return (N, d) filled with the value, for a feature map (N, C, H, W)."""
        return torch.full((len(feature_map), self.out_channels), self.value, device=feature_map.device)
