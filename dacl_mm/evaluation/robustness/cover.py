"""Hiding a part of a face."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from dacl_mm.errors import UserError

#: Top, left, bottom and right in shares of the sides.
Box = Sequence[float]


def cover(img: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """Return a copy whose boxes have the mean colour of the image; uint8, (H, W, 3)."""
    side = np.array([*img.shape[:2], *img.shape[:2]])
    mean = img.mean((0, 1)).round().astype(np.uint8)
    covered = img.copy()
    for box in boxes:
        top, left, bottom, right = (np.asarray(box) * side).round().astype(int)
        covered[top:bottom, left:right] = mean
    return covered


@TRANSFORMS.register_module()
class CoverRegion(BaseTransform):
    """Cover the same boxes of every image with its mean colour.

    Required and modified key: ``img``, uint8, (H, W, 3).

    Args:
        boxes: Top, left, bottom and right of each, in shares of the sides.

    Raises:
        UserError: If a box has no area inside of the image.
    """

    #: It draws nothing.
    random = False

    def __init__(self, boxes: Sequence[Box]) -> None:
        for box in boxes:
            if len(box) != 4 or not (0 <= box[0] < box[2] <= 1 and 0 <= box[1] < box[3] <= 1):
                raise UserError(f'a box of CoverRegion is (top, left, bottom, right) in [0, 1], got {box}')
        self.boxes = boxes

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Cover the boxes."""
        results['img'] = cover(results['img'], self.boxes)
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(boxes={self.boxes})'
