"""A running average of the weights, which is what is validated and saved."""

from typing import Any

from mmengine.runner import Runner
from mmpretrain.engine.hooks import EMAHook
from mmpretrain.registry import HOOKS

from dacl_mm.errors import UserError


@HOOKS.register_module()
class WeightAverageHook(EMAHook):  # type: ignore[misc, unused-ignore]
    """MMPretrain's EMAHook with a warm-up, so that short trainings do not keep their first weights.

    After step t the average moves by ``max(1 - decay, 10 / (10 + t))`` towards the weights. Buffers
    (the statistics of BatchNorm) are averaged alike. Checkpoints hold the average as ``state_dict``;
    so a test, which upstream's hook swaps the weights for, only loads them.

    References: Polyak & Juditsky, SIAM J. Control Optim. 1992; the warm-up is that of
    TensorFlow's ``ExponentialMovingAverage(num_updates=...)``.

    Args:
        decay: Share of the average that a step keeps, in [0, 1). 0 keeps none: no averaging.

    Raises:
        UserError: If the decay is out of range.
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 <= decay < 1:
            raise UserError(f'decay of WeightAverageHook must lie in [0, 1), got {decay}')
        super().__init__(momentum=0.5, update_buffers=True)
        self.decay = decay
        self._training = False

    def before_run(self, runner: Runner) -> None:
        """Copy the model where an average is to be loaded: when training is resumed."""
        if runner._resume:
            super().before_run(runner)

    def before_train(self, runner: Runner) -> None:
        if not runner._resume:
            super().before_run(runner)
        self._training = True
        super().before_train(runner)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner._resume:
            super().after_load_checkpoint(runner, checkpoint)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if self.decay:
            self.ema_model.momentum = max(1 - self.decay, 10 / (11 + runner.iter))
        else:
            self.ema_model.momentum = 1.0
        super().after_train_iter(runner, batch_idx, data_batch, outputs)

    def before_test_epoch(self, runner: Runner) -> None:
        if self._training:
            super().before_test_epoch(runner)

    def after_test_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        if self._training:
            super().after_test_epoch(runner, metrics)
