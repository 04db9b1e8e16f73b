"""When the centres move."""

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.engine.step_watch import StepWatch
from dacl_mm.errors import UserError
from dacl_mm.models.losses.agreement import differing_ranks
from dacl_mm.models.losses.center_loss import center_losses


@HOOKS.register_module()
class CenterUpdateHook(Hook):
    """Move the class centres with every step that the optimizer makes.

    The step size alpha is the loss's own (``loss_center=dict(alpha=0.5)``); this
    hook only schedules it. Under gradient accumulation the sums of all
    micro-batches of the step count; under DDP those of all ranks. Where the optimizer leaves a step out
    (a loss scaler that met an infinite gradient, ``NonFiniteHook``) the centres stay too. A model without
    centre loss is left alone, so that one runtime config serves every method.

    Reference: Farzaneh & Qi, WACV 2021; the rule is that of Wen et al., ECCV
    2016, eq. 4.

    Args:
        milestones: Epochs, counted from 0, from which alpha is multiplied by
            ``gamma`` once more. None as published.
        gamma: Factor at each milestone.
        check_interval: Iterations between two looks, and one at the end of each epoch, at whether
            all ranks hold the same centres, bit for bit; 0 never looks.
        alpha: Refused, with the key that took its place.

    Raises:
        UserError: If ``alpha`` is given.
    """

    # After the optimizer, before EMA, logging and checkpoints.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self,
        milestones: Sequence[int] = (),
        gamma: float = 0.1,
        check_interval: int = 100,
        alpha: float | None = None,
    ) -> None:
        if alpha is not None:
            raise UserError(
                'CenterUpdateHook has no alpha, which belongs to the centre loss: write '
                f'model.head.loss_center.alpha={alpha} and take alpha out of the hook'
            )
        self.milestones = tuple(milestones)
        self.gamma = gamma
        self.check_interval = check_interval
        self._watch: StepWatch | None = None

    def factor_at(self, epoch: int) -> float:
        """Return what alpha is multiplied by in an epoch (counted from 0)."""
        return self.gamma ** sum(epoch >= m for m in self.milestones)

    def before_train(self, runner: Runner) -> None:
        for loss in center_losses(runner.model):
            loss.broadcast_centers()
        self._watch = StepWatch(runner.optim_wrapper.optimizer)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        """Move the centres where the optimizer made its step.

        Raises:
            UserError: If the ranks' centres differ.
        """
        if runner.optim_wrapper.should_update():
            made = True if self._watch is None else self._watch.take()
            for loss in center_losses(runner.model):
                loss.update_centers(self.factor_at(runner.epoch) * made)
        if self.every_n_train_iters(runner, self.check_interval):
            self._check(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        """Look at the centres before SyncBuffersHook averages them.

        Raises:
            UserError: If the ranks' centres differ.
        """
        if self.check_interval > 0:
            self._check(runner)

    def _check(self, runner: Runner) -> None:
        for loss in center_losses(runner.model):
            if ranks := differing_ranks(loss.centers):
                raise UserError(
                    f'epoch {runner.epoch + 1}, iteration {runner.iter + 1}: the class centres of process '
                    f'{", ".join(map(str, ranks))} (of 0 to {runner.world_size - 1}) differ from those of '
                    'the others. Look for a hook or a device that changes them on some processes alone; '
                    '--resume goes on from the last checkpoint'
                )
