"""Augmentation as batched steps on the model's device."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError

from .pipeline import BatchPipeline, keys_of
from .rendering import Images, Writer, render


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
        channels_last: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if (mean is None) != (std is None):
            raise UserError('data_preprocessor needs mean and std, or neither')
        self.train_pipeline, self.test_pipeline = BatchPipeline(train_pipeline), BatchPipeline(test_pipeline)
        self.rgb = to_rgb
        self.channels_last = channels_last
        self._held: list[Tensor] = []
        self.register_buffer('mean', None if mean is None else torch.tensor(mean).view(-1, 1, 1), False)
        self.register_buffer('std', None if std is None else torch.tensor(std).view(-1, 1, 1), False)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Transform a batch.

        Args:
            data: ``inputs``, BGR images of uint8, (N, 3, H, W) or a list of (3, H, W) of any sizes, or
                names of held ones, int64, (N, 2); ``data_samples``, which carry ``draw`` where the
                pipeline is random.
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
        sources = [(places, images, keys[list(places)]) for places, images in self._sources(data['inputs'])]
        write = Writer(pipeline, self.rgb, self.mean, self.std)
        inputs = render(sources, write, self.device, self.channels_last)
        self._move_labels(samples or ())
        done: dict[str, Any] = super().forward(dict(inputs=inputs, data_samples=samples), training)
        return done

    def hold(self, images: Tensor) -> int:
        """Keep images on the device, to be named in batches.

        Args:
            images: BGR, uint8, (N, H, W, 3).

        Returns:
            Their part: an input (part, index) stands for one of them.
        """
        self._held.append(images.to(self.device))
        return len(self._held) - 1

    def _sources(self, inputs: Tensor | Sequence[Tensor]) -> Iterator[tuple[tuple[int, ...], Images]]:
        """Yield the images of each size, and their places in the batch."""
        if isinstance(inputs, Tensor) and inputs.ndim == 2:
            for part, places in _groups(inputs[:, 0].tolist()).items():
                index = inputs[list(places), 1].to(self.device, non_blocking=True)
                yield places, self._held[part].index_select(0, index).permute(0, 3, 1, 2)
        elif isinstance(inputs, Tensor):
            yield tuple(range(len(inputs))), inputs
        else:
            for places in _groups([image.shape for image in inputs]).values():
                yield places, [inputs[i] for i in places]

    def _move_labels(self, samples: Sequence[DataSample]) -> None:
        """Move labels to the device in one copy that the host does not wait for; upstream's waits."""
        for field in ('gt_label', 'gt_score'):
            values = [sample.get(field) for sample in samples if isinstance(sample, DataSample)]
            if not values or any(value is None or value.device == self.device for value in values):
                continue
            moved = torch.cat(values).to(self.device, non_blocking=True)
            for sample, value in zip(samples, torch.split(moved, [len(value) for value in values])):
                sample.set_field(value, field)


def _groups(keys: Sequence[Hashable]) -> dict[Any, tuple[int, ...]]:
    """Return key -> where it occurs."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return {key: tuple(found) for key, found in places.items()}
