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

    Reads what has been logged already, so that it costs no device synchronisation of its own: on a
    GPU that is at the next line of the log (:class:`DeferredInfoHook`).
    """

    # After the losses were logged, before the centres move.
    priority = 'HIGH'

    def __init__(self) -> None:
        self._read: dict[str, int] = {}  # values of each loss that were looked at

    def before_train(self, runner: Runner) -> None:
        self._read = {key: len(buffer.data[0]) for key, buffer in runner.message_hub.log_scalars.items()}

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Look at every component that was logged since.

        Raises:
            UserError: If one is not finite.
        """
        broken: dict[int, list[str]] = {}  # iterations ago -> losses
        for key in outputs or {}:
            buffer = runner.message_hub.log_scalars.get(f'train/{key}')
            history = buffer.data[0][self._read.get(f'train/{key}', 0) :] if buffer else []
            self._read[f'train/{key}'] = self._read.get(f'train/{key}', 0) + len(history)
            for ago, value in enumerate(reversed(history)):
                if not math.isfinite(value):
                    broken.setdefault(ago, []).append(f'{key} is {value}')
        if broken:
            ago = max(broken)
            last = runner.message_hub.get_info('last_ckpt') or 'none yet'
            rate = next(iter(runner.optim_wrapper.get_lr().values()))[0]
            raise UserError(
                f'epoch {runner.epoch + 1}, iteration {batch_idx + 1 - ago}: {", ".join(broken[ago])}. Lower '
                f'the learning rate (now {rate:.3g}), clip gradients by optim_wrapper.clip_grad='
                f'dict(max_norm=5), or look at the data. The last good checkpoint: {last}'
            )
