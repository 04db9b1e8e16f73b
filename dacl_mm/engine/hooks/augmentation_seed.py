"""Augmentation that can be repeated."""

from typing import Any

from mmengine.dataset import DefaultSampler
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.sampling import ShuffleSampler
from dacl_mm.datasets.wrappers import leaf_datasets, may_repeat
from dacl_mm.engine.loops import ExactIterLoop


@HOOKS.register_module()
class AugmentationSeedHook(Hook):
    """Let a second run of one seed, and a resumed one, augment each image alike.

    ``ShuffleSampler`` and ``BalancedSampler`` hand out draws that can be repeated
    without this hook; it serves those samplers and wrappers that pass plain
    indices. Draws do not depend on the number of loader processes, unless an image may
    come several times in an epoch (``RepeatDataset``, and any in a loop by iterations):
    then they are the same for the same number, and others after a resumption. In
    mmengine's own loop by iterations loader processes start before any hook; plain
    indices are drawn from the seeds of these processes there.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        if not by_epoch and not isinstance(runner.train_loop, ExactIterLoop):
            return
        loader = runner.train_dataloader
        start, repeats = (runner.epoch, comes_again(loader)) if by_epoch else (runner.iter, True)
        for dataset in leaf_datasets(loader.dataset):
            if isinstance(dataset, FERDataset):
                dataset.pin_draws(runner.seed, start, repeats)


def comes_again(loader: Any) -> bool:
    """Return whether plain indices may bring an image several times in an epoch."""
    once = type(loader.sampler) in (DefaultSampler, ShuffleSampler) and loader.sampler.total_size <= len(
        loader.dataset
    )
    return not once or may_repeat(loader.dataset)
