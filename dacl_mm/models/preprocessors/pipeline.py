"""Batched transforms in a row."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError

from .transform import build_transform
from .uniforms import draw_keys, uniforms
from .view import View

NONE = np.empty((0, 0))


class BatchPipeline:
    """Applies transforms in turn, each under random numbers of its own.

    Args:
        transforms: Configs, as in the pipeline of a data set.
    """

    def __init__(self, transforms: Sequence[Mapping[str, Any]]) -> None:
        self.transforms = [build_transform(cfg) for cfg in transforms]
        self._sizes: dict[tuple[int, int], tuple[int, int]] = {}

    @property
    def random(self) -> bool:
        """Whether any transform draws."""
        return any(transform.numbers for transform in self.transforms)

    def __call__(self, view: View, keys: np.ndarray) -> View:
        """Transform a batch.

        Args:
            view: The samples.
            keys: Those of :func:`keys_of`, (N,).
        """
        for stream, transform in enumerate(self.transforms):
            numbers = uniforms(keys, stream, transform.numbers) if transform.numbers else NONE
            view = transform(view, numbers)
        return view

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Return height and width of what becomes of images of a size, in pixels."""
        if size not in self._sizes:
            blank = View.of(torch.zeros(1, 3, *size, dtype=torch.uint8), rgb=False)
            self._sizes[size] = self(blank, np.zeros(1, np.uint64)).size
        return self._sizes[size]


def keys_of(samples: Sequence[DataSample] | None) -> np.ndarray:
    """Return what the random numbers of samples depend on, uint64, (N,).

    Raises:
        UserError: If a sample carries no draw.
    """
    draws = [sample.get('draw') for sample in samples or ()]
    if not draws or None in draws:
        raise UserError(
            "the preprocessor's pipeline is random, but its samples carry no draw: read them from a data set "
            'of this package outside test_mode, whose pipeline ends in PackPixels'
        )
    return draw_keys(np.array(draws, np.uint64))


def transformed(transforms: Sequence[Mapping[str, Any]], image: Tensor, sample: DataSample) -> Tensor:
    """Return what transforms make of one image, BGR, uint8, (3, H, W), under the sample's draw."""
    pipeline = BatchPipeline(transforms)
    keys = keys_of([sample]) if pipeline.random else np.zeros(1, np.uint64)
    return pipeline(View.of(image[None], rgb=False), keys).pixels()[0]
