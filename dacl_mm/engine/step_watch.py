"""Whether the optimizer has made its step."""

from typing import Any

import torch
from torch import Tensor


class StepWatch:
    """Tells of an optimizer whether it has changed the weights.

    It does not where a loss scaler met a gradient that is not finite, nor where no parameter has a
    gradient. Fused optimizers learn the former on their device
    (``found_inf``, :class:`torch.amp.GradScaler`); then the answer stays there.

    Args:
        optimizer: The one that is watched.
    """

    def __init__(self, optimizer: torch.optim.Optimizer) -> None:
        self._made: bool | Tensor = False
        optimizer.register_step_post_hook(self._after)

    def take(self) -> bool | Tensor:
        """Return whether a step has been made since the last call; a tensor of one number, (), 0 or 1."""
        made, self._made = self._made, False
        return made

    def _after(self, optimizer: torch.optim.Optimizer, args: Any, kwargs: Any) -> None:
        found_inf = getattr(optimizer, 'found_inf', None)
        if found_inf is not None:
            self._made = 1 - found_inf.reshape(())
        else:
            groups = optimizer.param_groups
            self._made = any(p.grad is not None for group in groups for p in group['params'])
