"""Whether weights are numbers."""

import math

import torch
from mmengine.runner import Runner
from torch import nn

from dacl_mm.errors import UserError


def require_finite(runner: Runner, step: int, by_epoch: bool) -> None:
    """Refuse weights that are NaN or infinite.

    Args:
        runner: The runner, in training.
        step: The epoch or iteration that is to be saved.
        by_epoch: Which of both.

    Raises:
        UserError: If there are; names the first parameter and the last good checkpoint.
    """
    broken = first_broken(runner.model)
    if broken:
        unit = 'epoch' if by_epoch else 'iteration'
        last = runner.message_hub.get_info('last_ckpt') or 'none yet'
        raise UserError(
            f'after {unit} {step} the weights of {broken} are not finite and were not saved: lower the '
            'learning rate, or clip gradients by optim_wrapper.clip_grad=dict(max_norm=5). The last good '
            f'checkpoint: {last}'
        )


def first_broken(model: nn.Module) -> str | None:
    """Return the name of the first parameter with a value that is NaN or infinite, or None.

    One norm of all parameters waits for the device once and shows that all are finite. Where it is not
    finite itself, which large finite values do too, each parameter is looked at.
    """
    parameters = dict(model.named_parameters())
    if math.isfinite(torch.nn.utils.get_total_norm([p.detach() for p in parameters.values()])):
        return None
    return next((name for name, p in parameters.items() if not p.isfinite().all()), None)
