"""Whether weights are numbers."""

import math
from collections.abc import Mapping

import torch
from mmengine.runner import Runner
from torch import Tensor

from dacl_mm.errors import UserError


def require_finite(runner: Runner, step: int, by_epoch: bool) -> None:
    """Refuse weights that are NaN or infinite.

    Args:
        runner: The runner, in training.
        step: The epoch or iteration that is to be saved.
        by_epoch: Which of both.

    Raises:
        UserError: If there are; names the first parameter or buffer and the last good checkpoint.
    """
    broken = first_broken(dict(runner.model.named_parameters()) | dict(runner.model.named_buffers()))
    if broken:
        unit = 'epoch' if by_epoch else 'iteration'
        last = runner.message_hub.get_info('last_ckpt') or 'none yet'
        raise UserError(
            f'after {unit} {step} the weights of {broken} are not finite and were not saved: lower the '
            'learning rate, or clip gradients by optim_wrapper.clip_grad=dict(max_norm=5). The last good '
            f'checkpoint: {last}'
        )


def first_broken(tensors: Mapping[str, Tensor]) -> str | None:
    """Return the name of the first tensor with a value that is NaN or infinite, or None.

    One norm of all waits for the device once and shows that all are finite. Where it is not
    finite itself, which large finite values do too, each is looked at.
    """
    values = {name: value.detach() for name, value in tensors.items() if value.is_floating_point()}
    if math.isfinite(torch.nn.utils.get_total_norm(list(values.values()))):
        return None
    return next((name for name, value in values.items() if not value.isfinite().all()), None)
