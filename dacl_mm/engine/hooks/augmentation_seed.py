"""Augmentation that can be repeated."""

from typing import Any

from mmengine.dataset import DefaultSampler
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.sampling import ShuffleSampler
from dacl_mm.datasets.wrappers import leaf_datasets, may_repeat


@HOOKS.register_module()
class AugmentationSeedHook(Hook):
    """Let a second run of one seed, and a resumed one, augment each image alike.

    ``ShuffleSampler`` and ``BalancedSampler`` hand out draws that can be repeated
    without this hook; it serves those samplers and wrappers that pass plain
    indices, in loops by epochs. There draws do not depend on the number of loader
    processes, unless an image may come several times in an epoch
    (``RepeatDataset``): then they are the same for the same number. In loops by
    iterations loader processes start before any hook; plain indices are drawn from
    the seeds of these processes there.
    """

    def before_train_epoch(self, runner: Runner) -> None:
        if not isinstance(runner.train_loop, EpochBasedTrainLoop):
            return
        loader = runner.train_dataloader
        for dataset in leaf_datasets(loader.dataset):
            if isinstance(dataset, FERDataset):
                dataset.pin_draws(runner.seed, runner.epoch, comes_again(loader))


def comes_again(loader: Any) -> bool:
    """Return whether plain indices may bring an image several times in an epoch."""
    once = type(loader.sampler) in (DefaultSampler, ShuffleSampler) and loader.sampler.total_size <= len(
        loader.dataset
    )
    return not once or may_repeat(loader.dataset)
