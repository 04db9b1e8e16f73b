"""Batched crops, exact."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from dacl_mm.errors import UserError

from .transform import BATCH_TRANSFORMS, BatchTransform
from .uniforms import spread
from .view import View


@BATCH_TRANSFORMS.register_module()
class CenterCrop(BatchTransform):
    """MMCV's ``CenterCrop``; an image smaller than the crop keeps its size.

    Args:
        crop_size: Width and height in pixels, or both.
    """

    def __init__(self, crop_size: int | tuple[int, int]) -> None:
        self.width, self.height = (crop_size, crop_size) if isinstance(crop_size, int) else crop_size

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        size = min(self.height, view.size[0]), min(self.width, view.size[1])
        top, left = (round((whole - part) / 2) for whole, part in zip(view.size, size))
        return view.cropped(top, left, size)


@BATCH_TRANSFORMS.register_module()
class RandomFiveCrop(BatchTransform):
    """This package's ``RandomFiveCrop``: one of the four corners or the centre.

    Args:
        crop_size: Side of the square crop in pixels.
    """

    numbers = 1

    def __init__(self, crop_size: int) -> None:
        self.crop_size = crop_size

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        """Crop each sample.

        Raises:
            UserError: If the images are smaller than the crop.
        """
        down, right = (side - self.crop_size for side in view.size)
        if down < 0 or right < 0:
            raise UserError(
                f'images of {view.size[1]} x {view.size[0]} px are smaller than the {self.crop_size} px '
                'crop; put ResizeEdge before RandomFiveCrop'
            )
        which = spread(numbers[:, 0], 5)
        top = np.array([0, 0, down, down, round(down / 2)])[which]
        left = np.array([0, right, 0, right, round(right / 2)])[which]
        return view.cropped(top, left, (self.crop_size, self.crop_size))


@BATCH_TRANSFORMS.register_module()
class RandomCrop(BatchTransform):
    """MMPretrain's ``RandomCrop`` at any place; an image smaller than the crop keeps its size.

    Args:
        crop_size: Height and width in pixels, or both.
        padding: Pixels added first: on each side, (left and right, top and bottom), or (left, top,
            right, bottom).
        pad_if_needed: Pad an image that is smaller than the crop. What is added is black.
    """

    numbers = 2

    def __init__(
        self,
        crop_size: int | Sequence[int],
        padding: int | Sequence[int] = 0,
        pad_if_needed: bool = False,
    ) -> None:
        self.size = (crop_size, crop_size) if isinstance(crop_size, int) else tuple(crop_size)
        sides = (padding,) if isinstance(padding, int) else tuple(padding)
        self.padding = sides * (4 // len(sides))
        self.pad_if_needed = pad_if_needed

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        view = self._padded(view, self.padding)
        if self.pad_if_needed:
            down, right = (max(0, -(-(new - old) // 2)) for new, old in zip(self.size, view.size))
            view = self._padded(view, (right, down, right, down))
        height, width = (min(new, old) for new, old in zip(self.size, view.size))
        top = spread(numbers[:, 0], view.size[0] - height + 1)
        left = spread(numbers[:, 1], view.size[1] - width + 1)
        return view.cropped(top, left, (height, width))

    def _padded(self, view: View, sides: Sequence[int]) -> View:
        left, top, right, bottom = sides
        if not any(sides):
            return view
        padded = F.pad(view.pixels(), (left, right, top, bottom))
        return View.of(padded.contiguous(memory_format=torch.channels_last), view.rgb)
