"""When the centres move."""

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.errors import UserError
from dacl_mm.models.losses.center_loss import center_losses


@HOOKS.register_module()
class CenterUpdateHook(Hook):
    """Move the class centres once per optimizer step.

    The step size alpha is the loss's own (``loss_center=dict(alpha=0.5)``); this
    hook only schedules it. Under gradient accumulation the sums of all
    micro-batches of the step count; under DDP those of all ranks. A model without
    centre loss is left alone, so that one runtime config serves every method.

    Reference: Farzaneh & Qi, WACV 2021; the rule is that of Wen et al., ECCV
    2016, eq. 4.

    Args:
        milestones: Epochs, counted from 0, from which alpha is multiplied by
            ``gamma`` once more. None as published.
        gamma: Factor at each milestone.
        alpha: Refused, with the key that took its place.

    Raises:
        UserError: If ``alpha`` is given.
    """

    # After the optimizer, before EMA, logging and checkpoints.
    priority = 'ABOVE_NORMAL'

    def __init__(
        self, milestones: Sequence[int] = (), gamma: float = 0.1, alpha: float | None = None
    ) -> None:
        if alpha is not None:
            raise UserError(
                'CenterUpdateHook has no alpha, which belongs to the centre loss: write '
                f'model.head.loss_center.alpha={alpha} and take alpha out of the hook'
            )
        self.milestones = tuple(milestones)
        self.gamma = gamma

    def factor_at(self, epoch: int) -> float:
        """Return what alpha is multiplied by in an epoch (counted from 0)."""
        return self.gamma ** sum(epoch >= m for m in self.milestones)

    def before_train(self, runner: Runner) -> None:
        for loss in center_losses(runner.model):
            loss.broadcast_centers()

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        if not runner.optim_wrapper.should_update():
            return
        for loss in center_losses(runner.model):
            loss.update_centers(self.factor_at(runner.epoch))
