"""Batched crops, exact."""

import numpy as np

from dacl_mm.errors import UserError

from .transform import BATCH_TRANSFORMS, BatchTransform
from .view import View


def spread(numbers: np.ndarray, count: int) -> np.ndarray:
    """Turn numbers in [0, 1) into whole numbers in [0, count), all equally likely."""
    return (numbers * count).astype(np.int64)


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
    """

    numbers = 2

    def __init__(self, crop_size: int | tuple[int, int]) -> None:
        self.height, self.width = (crop_size, crop_size) if isinstance(crop_size, int) else crop_size

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        height, width = min(self.height, view.size[0]), min(self.width, view.size[1])
        top = spread(numbers[:, 0], view.size[0] - height + 1)
        left = spread(numbers[:, 1], view.size[1] - width + 1)
        return view.cropped(top, left, (height, width))
