"""When the centres move."""

from collections.abc import Sequence

from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from torch import nn

from dacl_mm.errors import UserError
from dacl_mm.models.losses.center_loss import SparseCenterLoss


def center_losses(model: nn.Module) -> list[SparseCenterLoss]:
    """Return the centre losses of a model, also below a DDP wrapper."""
    return [m for m in model.modules() if isinstance(m, SparseCenterLoss)]


@HOOKS.register_module()
class CenterUpdateHook(Hook):
    """Move the class centres once per optimizer step.

    Under gradient accumulation the sums of all micro-batches of the step
    count; under DDP those of all ranks. A model without centre loss is left
    alone, so that one runtime config serves every method.

    Reference: Farzaneh & Qi, WACV 2021; the rule is that of Wen et al., ECCV
    2016, eq. 4.

    Args:
        alpha: Step size of the centres (0.5 as published, never decayed).
        milestones: Epochs from which alpha is multiplied by ``gamma`` once more.
        gamma: Factor at each milestone.
    """

    # After the optimizer, before EMA, logging and checkpoints.
    priority = 'ABOVE_NORMAL'

    def __init__(self, alpha: float = 0.5, milestones: Sequence[int] = (), gamma: float = 0.1):
        if alpha < 0:
            raise UserError(f'alpha must not be negative, got {alpha}')
        self.alpha = alpha
        self.milestones = tuple(milestones)
        self.gamma = gamma

    def alpha_at(self, epoch: int) -> float:
        """Return alpha in an epoch (counted from 0)."""
        return self.alpha * self.gamma ** sum(epoch >= m for m in self.milestones)

    def before_train(self, runner) -> None:
        for loss in center_losses(runner.model):
            loss.broadcast_centers()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None) -> None:
        if not runner.optim_wrapper.should_update():
            return
        for loss in center_losses(runner.model):
            loss.update_centers(self.alpha_at(runner.epoch))
