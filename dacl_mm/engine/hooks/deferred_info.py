"""Losses leave the device when somebody reads them."""

from typing import Any

import torch
from mmengine.hooks import LoggerHook, RuntimeInfoHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS


@HOOKS.register_module()
class DeferredInfoHook(RuntimeInfoHook):
    """mmengine's RuntimeInfoHook, which fetches losses from a GPU all at once when they are logged.

    Upstream fetches each at every step, and the GPU idles meanwhile: it has nothing to do before the
    process has been told. What is logged is the same, and what a checkpoint holds. Iterations of loops
    without epochs are fetched at once.

    Args:
        defer: Whether to; None: where the losses are on a GPU.
    """

    def __init__(self, defer: bool | None = None) -> None:
        self.defer = defer
        self._waiting: list[dict[str, torch.Tensor]] = []

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: dict[str, Any] | None = None
    ) -> None:
        if outputs is None:
            return
        self._waiting.append({key: torch.as_tensor(value).detach() for key, value in outputs.items()})
        on_gpu = any(value.is_cuda for value in self._waiting[-1].values())
        defer = on_gpu if self.defer is None else self.defer
        if not defer or is_read(runner, batch_idx):
            self._fetch(runner)

    def before_gathering(self, runner: Runner) -> None:
        """Complete what a checkpoint is about to hold (called by ``Contents``)."""
        self._fetch(runner)

    def _fetch(self, runner: Runner) -> None:
        keys = [key for step in self._waiting for key in step]
        values = [value.double().reshape(()) for step in self._waiting for value in step.values()]
        self._waiting.clear()
        for key, value in zip(keys, torch.stack(values).tolist() if values else [], strict=True):
            runner.message_hub.update_scalar(f'train/{key}', value)


def is_read(runner: Runner, batch_idx: int) -> bool:
    """Return whether somebody reads the losses after an iteration, so that they must be there."""
    done = batch_idx + 1
    intervals = [hook.interval for hook in runner.hooks if isinstance(hook, LoggerHook)]
    return (
        not isinstance(runner.train_loop, EpochBasedTrainLoop)
        or done == len(runner.train_dataloader)
        or any(interval > 0 and done % interval == 0 for interval in intervals)
    )
