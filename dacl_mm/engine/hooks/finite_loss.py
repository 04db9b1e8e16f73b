"""A loss that has exploded ends the training."""

import math
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.errors import UserError


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop at the first loss that is NaN or infinite.

    Reads what mmengine has logged of the iteration already, so that it costs no device
    synchronisation of its own.
    """

    # After RuntimeInfoHook has logged, before the centres move.
    priority = 'HIGH'

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Look at every logged component.

        Raises:
            UserError: If one is not finite.
        """
        values = {key: runner.message_hub.get_scalar(f'train/{key}').current() for key in outputs or {}}
        broken = [f'{key} is {value}' for key, value in values.items() if not math.isfinite(value)]
        if broken:
            last = runner.message_hub.get_info('last_ckpt') or 'none yet'
            rate = next(iter(runner.optim_wrapper.get_lr().values()))[0]
            raise UserError(
                f'epoch {runner.epoch + 1}, iteration {batch_idx + 1}: {", ".join(broken)}. Lower the '
                f'learning rate (now {rate:.3g}), clip gradients by optim_wrapper.clip_grad='
                f'dict(max_norm=5), or look at the data. The last good checkpoint: {last}'
            )
