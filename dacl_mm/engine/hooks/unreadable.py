"""Unreadable training images that were replaced, made known."""

from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.wrappers import leaf_datasets


@HOOKS.register_module()
class UnreadableImagesHook(Hook):
    """Report after each epoch how many images were replaced, and which.

    Goes with ``unreadable='replace'`` of :class:`FERDataset`.
    """

    def after_train_epoch(self, runner: Runner) -> None:
        mine = [
            path
            for dataset in leaf_datasets(runner.train_dataloader.dataset)
            if isinstance(dataset, FERDataset)
            for path in dataset.replaced_images()
        ]
        paths = sorted({path for part in all_gather_object(mine) for path in part})
        if paths:
            names = '\n  '.join(paths)
            runner.logger.warning(
                f'epoch {runner.epoch + 1}: {len(paths)} unreadable images were replaced by others of their '
                f'class:\n  {names}'
            )
