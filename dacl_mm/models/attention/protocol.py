"""What counts as an attention, whoever wrote it."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor, nn


class Attention(Protocol):
    """A module from a feature map (N, C, H, W) to one weight in [0, 1] per dimension, (N, d).

    Registered in ``MODELS`` and named by ``model.head.attention.type``. The head
    builds it with ``in_channels`` (C), ``feat_size`` (H and W: an int for a square, a
    pair, or None while it is not known) and ``out_channels`` (d), beside what the
    config gives.
    """

    def __call__(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, d)."""
        ...


def find_attention(model: nn.Module) -> nn.Module | None:
    """Return what a classifier's head holds as ``attention``, whatever its class; None without one."""
    attention = getattr(getattr(model, 'head', None), 'attention', None)
    return attention if isinstance(attention, nn.Module) else None


def find_weights(model: nn.Module) -> Callable[[Tensor], Tensor] | None:
    """Return what maps a feature map (N, C, H, W) to A, (N, d), as the head uses it; None without one."""
    own: Callable[[Tensor], Tensor] | None = getattr(getattr(model, 'head', None), 'attention_weights', None)
    return own or find_attention(model)
