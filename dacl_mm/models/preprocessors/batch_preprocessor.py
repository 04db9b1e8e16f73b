"""Augmentation as batched steps on the model's device."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError

from .memory import HOST
from .pipeline import BatchPipeline, keys_of
from .threads import single_threads
from .view import View

PIECE = 16  # images of a thread at a time
DTYPES = ('float32', 'bfloat16', 'float16')


@MODELS.register_module()
class BatchPreprocessor(ClsDataPreprocessor):  # type: ignore[misc, unused-ignore]
    """MMPretrain's ``ClsDataPreprocessor`` that also transforms the images, batch by batch.

    A transform moves here from the pipeline of a data set with its config unchanged. Images stay
    bytes until they are normalised, as they do there. What becomes of a sample depends on its
    draw alone (seed, epoch, sample, repeat), not on the batch it is in or the device.

    Args:
        train_pipeline: Configs of batched transforms for training.
        test_pipeline: Configs for validation and testing.
        mean: Mean of each channel in grey levels; None leaves them as they are.
        std: Standard deviations.
        to_rgb: Turn BGR images to RGB.
        dtype: Type of the images for the model: 'float32', 'bfloat16' or 'float16'.
        channels_last: Lay them out in memory as (N, H, W, 3).
        **kwargs: Those of :class:`mmpretrain.models.ClsDataPreprocessor`.

    Raises:
        UserError: If a transform has no batched counterpart, or an argument is wrong.
    """

    def __init__(
        self,
        train_pipeline: Sequence[Mapping[str, Any]] = (),
        test_pipeline: Sequence[Mapping[str, Any]] = (),
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
        to_rgb: bool = False,
        dtype: str = 'float32',
        channels_last: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if dtype not in DTYPES:
            raise UserError(f'dtype of the images must be one of {", ".join(DTYPES)}, got {dtype!r}')
        if (mean is None) != (std is None):
            raise UserError('data_preprocessor needs mean and std, or neither')
        self.train_pipeline, self.test_pipeline = BatchPipeline(train_pipeline), BatchPipeline(test_pipeline)
        self.rgb = to_rgb
        self.dtype = getattr(torch, dtype)
        self.channels_last = channels_last
        self.register_buffer('mean', None if mean is None else torch.tensor(mean).view(-1, 1, 1), False)
        self.register_buffer('std', None if std is None else torch.tensor(std).view(-1, 1, 1), False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Transform a batch.

        Args:
            data: ``inputs``, BGR images of uint8, (N, 3, H, W) or a list of (3, H, W) of any sizes;
                ``data_samples``, which carry ``draw`` where the pipeline is random.
            training: Whether the pipeline for training is meant.

        Returns:
            ``inputs``, (N, 3, h, w), normalised; ``data_samples``, with labels on the device.

        Raises:
            UserError: If images are not of bytes, or come out in several sizes.
        """
        samples = data.get('data_samples')
        pipeline = self.train_pipeline if training else self.test_pipeline
        count = len(data['inputs'])
        keys = keys_of(samples) if pipeline.random else np.zeros(count, np.uint64)
        views = {
            index: pipeline(View.of(self._stack(images), self.rgb), keys[list(index)])
            for index, images in by_size(data['inputs']).items()
        }
        inputs = self._pixels(views)
        self._move_labels(samples or ())
        done: dict[str, Any] = super().forward(dict(inputs=inputs, data_samples=samples), training)
        done['inputs'] = done['inputs'].to(self.dtype)
        return done

    def _stack(self, images: Tensor | Sequence[Tensor]) -> Tensor:
        """Move images of one size to the device and put their channels in order, (n, 3, H, W)."""
        if not isinstance(images, Tensor):  # channels last: as they come from a decoder, as resizing is fast
            images = torch.stack([image.permute(1, 2, 0) for image in images]).permute(0, 3, 1, 2)
        if images.dtype != torch.uint8 or images.shape[1] != 3:
            raise UserError(
                f'expected images of uint8, (3, H, W), got {images.dtype} of shape {tuple(images.shape[1:])}'
            )
        images = images.to(self.device, non_blocking=True, memory_format=torch.channels_last)
        # Two flips of whole rows take a quarter of the time of one of the channels.
        return images.flip((1, 3)).flip(3) if self.rgb else images

    def _move_labels(self, samples: Sequence[DataSample]) -> None:
        """Move labels to the device in one copy that the host does not wait for; upstream's waits."""
        for field in ('gt_label', 'gt_score'):
            values = [sample.get(field) for sample in samples if isinstance(sample, DataSample)]
            if not values or any(value is None or value.device == self.device for value in values):
                continue
            moved = torch.cat(values).to(self.device, non_blocking=True)
            for sample, value in zip(samples, torch.split(moved, [len(value) for value in values])):
                sample.set_field(value, field)

    def _pixels(self, views: Mapping[tuple[int, ...], View]) -> Tensor:
        """Compute the normalised pixels of all views, float32, (N, 3, h, w), in the samples' order."""
        sizes = {view.size for view in views.values()}
        if len(sizes) > 1:
            found = ', '.join(f'{width} x {height}' for height, width in sorted(sizes))
            raise UserError(
                f'the images of a batch come out in several sizes ({found} px): end the pipeline with a '
                'crop, or with Resize'
            )
        count = sum(map(len, views))
        out = self._empty(count, *sizes.pop())
        for index, view in views.items():
            if len(index) < count:
                part = self._empty(len(index), *view.size)
                self._write(view, part)
                out.index_copy_(0, torch.tensor(index).to(self.device, non_blocking=True), part)
            else:
                self._write(view, out)
        return out

    def _empty(self, count: int, height: int, width: int) -> Tensor:
        """Return memory for a batch, float32, (N, 3, H, W)."""
        shape = (count, height, width, 3) if self.channels_last else (count, 3, height, width)
        out = HOST.empty(*shape) if self.device.type == 'cpu' else torch.empty(shape, device=self.device)
        return out.permute(0, 3, 1, 2) if self.channels_last else out

    def _write(self, view: View, out: Tensor) -> None:
        """Compute the normalised pixels of a view, (n, 3, h, w)."""
        threads = torch.get_num_threads() if out.device.type == 'cpu' else 1
        if threads == 1:
            self._write_piece(view, out)
        else:
            pieces = view.split(PIECE), torch.split(out, PIECE)
            list(single_threads(threads).map(self._write_piece, *pieces))

    def _write_piece(self, view: View, out: Tensor) -> None:
        with torch.inference_mode(out.is_inference()):  # which is a thread's own
            view.copy_to(out)
            if self.mean is not None:
                self._normalize(out)

    def _normalize(self, images: Tensor) -> None:
        """Subtract the mean and divide by the deviation, in place."""
        if self.channels_last:  # rows of (W * 3): a loop over 3 channels would be slow
            rows, width = images.permute(0, 2, 3, 1).flatten(2), images.shape[3]
            rows.sub_(self.mean.flatten().repeat(width)).div_(self.std.flatten().repeat(width))
        else:
            images.sub_(self.mean).div_(self.std)


def by_size(images: Tensor | Sequence[Tensor]) -> dict[tuple[int, ...], Tensor | Sequence[Tensor]]:
    """Group images by size: places in the batch -> images."""
    if isinstance(images, Tensor):
        return {tuple(range(len(images))): images}
    places: defaultdict[torch.Size, list[int]] = defaultdict(list)
    for place, image in enumerate(images):
        places[image.shape].append(place)
    return {tuple(index): [images[i] for i in index] for index in places.values()}
