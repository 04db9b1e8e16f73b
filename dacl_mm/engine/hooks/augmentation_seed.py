"""Augmentation that can be repeated."""

from collections.abc import Iterator

from mmengine.dataset import BaseDataset
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS

from dacl_mm.datasets.base import FERDataset


def leaf_datasets(dataset) -> Iterator[BaseDataset]:
    """Yield the data sets below wrappers such as ConcatDataset."""
    if hasattr(dataset, 'datasets'):
        for child in dataset.datasets:
            yield from leaf_datasets(child)
    elif hasattr(dataset, 'dataset'):
        yield from leaf_datasets(dataset.dataset)
    else:
        yield dataset


@HOOKS.register_module()
class AugmentationSeedHook(Hook):
    """Tell the training data set the seed and the epoch of its draws."""

    def before_train_epoch(self, runner) -> None:
        for dataset in leaf_datasets(runner.train_dataloader.dataset):
            if isinstance(dataset, FERDataset):
                dataset.set_draw(runner.seed, runner.epoch)
