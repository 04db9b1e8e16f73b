"""Batched affine transformations."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode
from torchvision.transforms import RandomAffine as Options

from dacl_mm.errors import UserError

from .transform import BATCH_TRANSFORMS, BatchTransform
from .uniforms import between
from .view import View


@BATCH_TRANSFORMS.register_module()
class RandomAffine(BatchTransform):
    """This package's ``RandomAffine``, torchvision's on Pillow: rotate, shift, scale and shear.

    The arithmetic is Pillow's: equal with 'nearest', and with 'bilinear' but for one grey
    level in 1 of 10,000 values.

    Args:
        degrees: Range of the angle, or one bound of a symmetric one.
        translate: Largest shift as share of width and height.
        scale: Range of the factor.
        shear: Range of the angle along x, and along y, in degrees.
        interpolation: 'nearest' or 'bilinear'.
        fill: Grey level outside the image, or one for each channel in the image's order (BGR).
        center: Of the rotation, (x, y) in pixels; None is the image's.
        prob: Probability that an image is moved.

    Raises:
        UserError: If an argument is out of range.
    """

    numbers = 7
    slow_on_cpu = True

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: str = 'nearest',
        fill: float | Sequence[float] = 0,
        center: Sequence[float] | None = None,
        prob: float = 1.0,
    ) -> None:
        if not 0 <= prob <= 1:
            raise UserError(f'prob of RandomAffine must lie in [0, 1], got {prob}')
        if interpolation not in ('nearest', 'bilinear'):
            raise UserError(f"interpolation must be 'nearest' or 'bilinear', got {interpolation!r}")
        try:
            options = Options(
                degrees, translate, scale, shear, InterpolationMode(interpolation), fill, center
            )
        except (TypeError, ValueError) as error:
            raise UserError(f'RandomAffine: {error}') from error
        self.bilinear = interpolation == 'bilinear'
        self.fill = np.broadcast_to(np.array(fill, np.uint8), 3).copy()
        self.center = center
        self.prob = prob
        self.translate = translate or (0, 0)
        shears = [0.0, 0.0] if options.shear is None else list(options.shear)
        self.ranges = (options.degrees, scale or (1, 1), shears[:2], shears[2:] or (0, 0))

    def matrices(self, size: tuple[int, int], numbers: np.ndarray) -> np.ndarray:
        """Return where pixels come from: (x, y) -> (a x + b y + c, d x + e y + f), (N, 6).

        As ``_get_inverse_affine_matrix`` of torchvision's ``transforms/functional.py``.
        """
        height, width = size
        angle, scale, shear_x, shear_y = (between(r, u) for r, u in zip(self.ranges, numbers.T))
        shift_x, shift_y = (
            (share * side * (2 * u - 1)).round()
            for share, side, u in zip(self.translate, (width, height), numbers.T[4:6])
        )
        center_x, center_y = self.center or (width * 0.5, height * 0.5)
        rot, sx, sy = np.radians(angle), np.radians(shear_x), np.radians(shear_y)
        a, c = np.cos(rot - sy) / np.cos(sy), np.sin(rot - sy) / np.cos(sy)
        b, d = -a * np.tan(sx) - np.sin(rot), -c * np.tan(sx) + np.cos(rot)
        (a, b, c, d), x, y = (m / scale for m in (d, -b, -c, a)), -center_x - shift_x, -center_y - shift_y
        return np.stack([a, b, a * x + b * y + center_x, c, d, c * x + d * y + center_y], axis=1)

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        pixels, device = view.pixels(), view.images.device
        matrices = torch.from_numpy(self.matrices(view.size, numbers)).to(device, non_blocking=True)
        fill = torch.from_numpy(self.fill).to(device, non_blocking=True).flip(-1 if view.rgb else ())
        sample = bilinear if self.bilinear else nearest
        moved = sample(pixels.permute(0, 2, 3, 1), matrices[:, :, None, None], fill)
        moved = moved.permute(0, 3, 1, 2)
        if self.prob < 1:
            chosen = torch.from_numpy(numbers[:, 6] < self.prob).to(device, non_blocking=True)
            moved = torch.where(chosen[:, None, None, None], moved, pixels)
        return View.of(moved, view.rgb)


def nearest(images: Tensor, matrices: Tensor, fill: Tensor) -> Tensor:
    """Take the nearest source pixels, in fixed-point numbers of 16 bits as Pillow's ``affine_fixed``.

    Args:
        images: uint8, (N, H, W, 3).
        matrices: float64, (N, 6, 1, 1).
        fill: Of pixels from outside, uint8, (3,).

    Returns:
        uint8, (N, H, W, 3).
    """
    a, b, c, d, e, f = matrices.unbind(1)
    whole = [(m * 2**16 + 0.5).floor().long() for m in (a, b, c + (a + b) / 2, d, e, f + (d + e) / 2)]
    y, x = (torch.arange(side, device=images.device) for side in images.shape[1:3])
    y = y[:, None]
    column = (whole[0] * x + whole[1] * y + whole[2]) >> 16
    row = (whole[3] * x + whole[4] * y + whole[5]) >> 16
    return torch.where(_inside(images, row, column), _take(images, row, column), fill)


def bilinear(images: Tensor, matrices: Tensor, fill: Tensor) -> Tensor:
    """Interpolate between four source pixels, rounding down as Pillow does; as :func:`nearest`."""
    a, b, c, d, e, f = matrices.unbind(1)
    y, x = (torch.arange(side, device=images.device) + 0.5 for side in images.shape[1:3])
    y = y[:, None]
    x, y = a * x + b * y + c, d * x + e * y + f  # (N, H, W)
    column, row = (x - 0.5).floor().long(), (y - 0.5).floor().long()
    right, down = (x - 0.5 - column)[..., None].float(), (y - 0.5 - row)[..., None].float()
    upper, lower = (
        torch.lerp(_take(images, r, column).float(), _take(images, r, column + 1).float(), right)
        for r in (row, row + 1)
    )
    mixed = torch.lerp(upper, lower, down).byte()
    return torch.where(_inside(images, y.floor(), x.floor()), mixed, fill)


def _inside(images: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return which places lie in an image, bool, (N, H, W, 1)."""
    height, width = images.shape[1:3]
    return ((row >= 0) & (row < height) & (column >= 0) & (column < width))[..., None]


def _take(images: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Return the pixels at places, or at the nearest ones in the image, (N, H, W, 3)."""
    count, height, width, _ = images.shape
    place = row.clamp(0, height - 1) * width + column.clamp(0, width - 1)
    index = place.flatten(1)[..., None].expand(-1, -1, 3)
    return images.reshape(count, -1, 3).gather(1, index).view_as(images)
