"""mmengine's training loops, which can begin at any iteration."""

from collections.abc import Iterator
from typing import Any

from mmengine.dataset import InfiniteSampler
from mmengine.dist import get_world_size
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmengine.runner.base_loop import BaseLoop
from mmengine.runner.utils import calc_dynamic_intervals
from mmpretrain.registry import LOOPS
from torch.utils.data import DataLoader

from dacl_mm.datasets.skipping import skipping


@LOOPS.register_module()
class ExactEpochLoop(EpochBasedTrainLoop):
    """mmengine's EpochBasedTrainLoop, which can begin inside an epoch.

    Upstream trains such an epoch from its start again.

    Attributes:
        begin_at: Images of the first epoch that all processes together have trained before.
    """

    begin_at = 0
    _first_iter = 0  # iteration of the epoch's first batch

    def place(self, iteration: int) -> dict[str, int]:
        """Return the ``batches`` and ``images`` (of all processes) of an unfinished epoch."""
        batches = iteration - self._first_iter
        return dict(batches=batches, images=batches * _images_per_step(self.dataloader))

    def run_epoch(self) -> None:
        """Train what is left of an epoch."""
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = -(-self.begin_at // _images_per_step(self.dataloader))
        self._first_iter, self.begin_at = self._iter - done, 0
        with skipping(self.dataloader, done):
            for idx, batch in enumerate(self.dataloader, done):
                self.run_iter(idx, batch)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
        self._first_iter = self._iter


@LOOPS.register_module()
class ExactIterLoop(IterBasedTrainLoop):
    """mmengine's IterBasedTrainLoop, which goes on at an iteration without loading what came before.

    Its loader starts with the first iteration, when hooks have been called; upstream's does when the
    loop is built.

    Args:
        runner: The runner.
        dataloader: The loader or its config.
        max_iters: Length of the training.
        val_begin: As in mmengine.
        val_interval: Iterations between two validations.
        dynamic_intervals: As in mmengine.
    """

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader[Any] | dict[str, Any],
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
        dynamic_intervals: list[tuple[int, int]] | None = None,
    ) -> None:
        BaseLoop.__init__(self, runner, dataloader)  # the parent's own would start the loader
        self._max_iters, self._max_epochs = int(max_iters), 1
        self._iter = self._epoch = 0
        self.val_begin, self.val_interval = val_begin, val_interval
        self.stop_training = False  # EarlyStoppingHook's
        self.runner.visualizer.dataset_meta = getattr(self.dataloader.dataset, 'metainfo', None)
        self.dynamic_milestones, self.dynamic_intervals = calc_dynamic_intervals(
            val_interval, dynamic_intervals
        )

    def run(self) -> Any:
        """Train, and return the model."""
        runner = self.runner
        runner.call_hook('before_train')
        runner.call_hook('before_train_epoch')
        batches = _endless(self.dataloader, self._iter)
        while self._iter < self._max_iters and not self.stop_training:
            runner.model.train()
            self.run_iter(next(batches))
            self._decide_current_val_interval()
            due = self._iter % self.val_interval == 0 or self._iter == self._max_iters
            if runner.val_loop is not None and self._iter >= self.val_begin and due:
                runner.val_loop.run()
        runner.call_hook('after_train_epoch')
        runner.call_hook('after_train')
        return runner.model


def _endless(loader: DataLoader[Any], start: int) -> Iterator[Any]:
    """Yield a loader's batches from one on, pass after pass; the sampler counts passes as epochs."""
    epoch, done = divmod(start, len(loader))
    if isinstance(loader.sampler, InfiniteSampler):
        epoch, done = 0, start
    while True:
        if hasattr(loader.sampler, 'set_epoch'):
            loader.sampler.set_epoch(epoch)
        with skipping(loader, done):
            yield from loader
        epoch, done = epoch + 1, 0


def _images_per_step(loader: DataLoader[Any]) -> int:
    return (loader.batch_size or 1) * int(get_world_size())
