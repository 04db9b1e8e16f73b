"""How much an auxiliary loss counts at the beginning."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class LossRampHook(Hook):
    """Let auxiliary losses rise from 0 to their weight over the first epochs, linearly by iteration.

    For every module of the model with ``ramp_epochs`` (how many) and a buffer ``ramp`` (the share that
    counts now); a model without is left alone, so that one runtime config serves every method.
    """

    def before_train(self, runner: Runner) -> None:
        self._modules = [m for m in runner.model.modules() if hasattr(m, 'ramp_epochs')]

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        for module in self._modules:
            length = module.ramp_epochs * len(runner.train_dataloader)
            module.ramp.fill_(min(1.0, (runner.iter + 1) / length) if length else 1.0)
