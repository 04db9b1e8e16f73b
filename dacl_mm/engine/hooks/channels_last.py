"""The memory layout that convolutions like best."""

import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class ChannelsLastHook(Hook):
    """Lay out weights and images in memory as (N, H, W, C); shapes and results stay.

    Where a data preprocessor has an option ``channels_last`` it writes images so at once.
    """

    # After mmengine has loaded weights and optimizer states, which bring layouts of their own.
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        self._lay_out(runner)
        if isinstance(runner.optim_wrapper, OptimWrapper):
            follow_weights(runner.optim_wrapper.optimizer)

    def before_val(self, runner: Runner) -> None:
        self._lay_out(runner)

    def before_test(self, runner: Runner) -> None:
        self._lay_out(runner)

    @staticmethod
    def _lay_out(runner: Runner) -> None:
        runner.model.to(memory_format=torch.channels_last)


def follow_weights(optimizer: torch.optim.Optimizer) -> None:
    """Give what an optimizer remembers of a weight the weight's layout, as its kernels expect it."""
    for weight, state in optimizer.state.items():
        for name, value in state.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                state[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)
