"""Transforms that upstream lacks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torchvision
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmpretrain.registry import TRANSFORMS
from PIL import Image
from torchvision.transforms import InterpolationMode

from dacl_mm.errors import UserError


@TRANSFORMS.register_module()
class RandomFiveCrop(BaseTransform):
    """Cut one of the four corners or the centre, at random.

    The training crop of Farzaneh & Qi, WACV 2021. Its counterpart in testing is
    MMPretrain's ``CenterCrop``.

    Required and modified key: ``img``, (H, W, C) or (H, W). Modifies
    ``img_shape``.

    Args:
        crop_size: Side of the square crop in pixels.
    """

    def __init__(self, crop_size: int):
        self.crop_size = crop_size

    @cache_randomness  # type: ignore[untyped-decorator, unused-ignore]
    def draw(self) -> int:
        """Draw 0 to 4: top left, top right, bottom left, bottom right, centre."""
        return int(np.random.randint(5))

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Crop the image.

        Raises:
            UserError: If the image is smaller than the crop.
        """
        height, width = results['img'].shape[:2]
        down, right = height - self.crop_size, width - self.crop_size
        if down < 0 or right < 0:
            raise UserError(
                f'{results.get("img_path", "image")}: {width} x {height} px is smaller than the '
                f'{self.crop_size} px crop; put ResizeEdge before RandomFiveCrop'
            )
        corners = [(0, 0), (0, right), (down, 0), (down, right), (round(down / 2), round(right / 2))]
        top, left = corners[self.draw()]
        img = results['img'][top : top + self.crop_size, left : left + self.crop_size]
        results['img'] = np.ascontiguousarray(img)
        results['img_shape'] = img.shape[:2]
        return results

    def __repr__(self) -> str:
        return f'{type(self).__name__}(crop_size={self.crop_size})'


@TRANSFORMS.register_module()
class RandomAffine(BaseTransform):
    """Rotate, shift, scale and shear at random: torchvision's ``RandomAffine`` on arrays.

    Required and modified key: ``img``, uint8, (H, W, 3).

    Args:
        degrees: Range of the angle, or one bound of a symmetric one.
        interpolation: 'nearest' or 'bilinear'.
        prob: Probability that an image is moved.
        **kwargs: Those of :class:`torchvision.transforms.RandomAffine`; ``fill`` is in the order of
            the image's channels (BGR).

    Raises:
        UserError: If an argument is out of range.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: str = 'nearest',
        prob: float = 1.0,
        **kwargs: Any,
    ) -> None:
        if not 0 <= prob <= 1:
            raise UserError(f'prob of RandomAffine must lie in [0, 1], got {prob}')
        self.prob = prob
        try:
            self.affine = torchvision.transforms.RandomAffine(
                degrees, interpolation=InterpolationMode(interpolation), **kwargs
            )
        except (TypeError, ValueError) as error:
            raise UserError(f'RandomAffine: {error}') from error

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Move the image."""
        if self.prob < 1 and np.random.rand() >= self.prob:
            return results
        results['img'] = np.array(self.affine(Image.fromarray(results['img'])))
        return results

    def __repr__(self) -> str:
        return repr(self.affine)
