"""Whole data sets on the model's device."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS
from torch import nn

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.whole import all_pixels, hand_on_indices, image_shape, loads_alone
from dacl_mm.datasets.wrappers import leaf_datasets
from dacl_mm.errors import UnreadableImageError, UserError
from dacl_mm.models.preprocessors import BatchPreprocessor

GB = 10**9


@HOOKS.register_module()
class DeviceDataHook(Hook):
    """Copy the images of each data set to the model's device once; loaders then hand on indices.

    Done before the first epoch that reads a set, where its images are of one size, its pipeline
    only loads them (:func:`dacl_mm.config.device_pipeline.move_to_device`), and they fit: all sets
    together into ``limit_gb``, and on a GPU into what is free less ``margin_gb``. Otherwise a
    message says why, and the loader goes on as before. On a CPU the device's memory is that of
    the process.

    Args:
        limit_gb: Most memory for images, in units of 10**9 bytes.
        margin_gb: Memory of a GPU that stays free.

    Raises:
        UserError: If a size is negative.
    """

    def __init__(self, limit_gb: float = 8.0, margin_gb: float = 4.0) -> None:
        if limit_gb < 0 or margin_gb < 0:
            raise UserError(f'limit_gb and margin_gb must not be negative, got {limit_gb} and {margin_gb}')
        self.limit, self.margin = limit_gb * GB, margin_gb * GB
        self._used = 0
        self._seen: list[FERDataset] = []

    def before_train(self, runner: Runner) -> None:
        loader = runner.train_dataloader
        if isinstance(runner.train_loop, EpochBasedTrainLoop) or loader.num_workers == 0:
            self._hold(runner, loader)
        else:
            _say('training images stay with the loader: in a loop by iterations its processes run already')

    def before_val(self, runner: Runner) -> None:
        self._hold(runner, runner.val_dataloader)

    def before_test(self, runner: Runner) -> None:
        self._hold(runner, runner.test_dataloader)

    def _hold(self, runner: Runner, loader: Any) -> None:
        """Move the data sets of a loader, each at its first call."""
        for dataset in leaf_datasets(loader.dataset):
            if not isinstance(dataset, FERDataset) or any(dataset is seen for seen in self._seen):
                continue
            self._seen.append(dataset)
            name = f'{type(dataset).__name__}, split {dataset.split!r}'
            try:
                reason = self._move(runner.model, dataset, loader.num_workers)
            except UnreadableImageError as error:
                reason = f'an image cannot be read ({error})'
            if reason:
                _say(f'{name}: images stay with the loader: {reason}')
            else:
                _say(f'{name}: {len(dataset):,} images are on the device, {self._used / GB:.2f} GB in all')

    def _move(self, model: nn.Module, dataset: FERDataset, workers: int) -> str:
        """Move a data set; return why not, or nothing."""
        preprocessor = next((m for m in model.modules() if isinstance(m, BatchPreprocessor)), None)
        if preprocessor is None or not loads_alone(dataset):
            return 'the pipeline does more than load them; move its transforms to a BatchPreprocessor'
        height, width = image_shape(dataset)
        size = len(dataset) * height * width * 3
        if self._used + size > self.limit:
            return (
                f'{size / GB:.2f} GB exceed limit_gb={self.limit / GB:g}, {self._used / GB:.2f} GB being used'
            )
        if preprocessor.device.type == 'cuda':
            free, _ = torch.cuda.mem_get_info(preprocessor.device)
            if size > free - self.margin:
                return (
                    f'{size / GB:.2f} GB do not fit: {free / GB:.2f} GB are free, '
                    f'margin_gb={self.margin / GB:g}'
                )
        pixels = all_pixels(dataset, workers)
        if pixels is None:
            return 'they are of several sizes'
        hand_on_indices(dataset, preprocessor.hold(pixels))
        self._used += size
        return ''


def _say(message: str) -> None:
    print_log(message, logger='current')
