"""Attentions that tell what a part of DACL's adds."""

from collections.abc import Sequence
from typing import Any

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

    The orders depend on the buffer ``draw`` alone, a seed and how many orders were
    drawn: checkpoints hold it, so that a resumed run goes on where it was.

    Args:
        **kwargs: Those of :class:`DACLAttention`.
    """

    draw: Tensor  # (2,), int64

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.register_buffer('draw', torch.zeros(2, dtype=torch.int64))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Start the orders anew, from the seed of this process."""
        self.draw[0], self.draw[1] = torch.initial_seed() % 2**32, 0

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to A, (N, d), its rows shuffled in training."""
        attention = super().forward(feature_map)
        if not self.training:
            return attention
        seed, drawn = self.draw.tolist()  # waits for the device: a control may
        self.draw[1] += 1
        order = torch.randperm(len(attention), generator=torch.Generator().manual_seed(seed * 2**31 + drawn))
        return attention[order.to(attention.device)]


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
        feat_size: int | Sequence[int] | None = None,
        out_channels: int = 512,
    ) -> None:
        super().__init__()
        if not 0 <= value <= 1:
            raise UserError(f'the attention value must lie in [0, 1], got {value}')
        self.value = value
        self.out_channels = out_channels

    def forward(self, feature_map: Tensor) -> Tensor:
        """Return (N, d) filled with the value, for a feature map (N, C, H, W)."""
        return torch.full((len(feature_map), self.out_channels), self.value, device=feature_map.device)
