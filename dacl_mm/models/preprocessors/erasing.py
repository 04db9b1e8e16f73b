"""Batched random erasing."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dacl_mm.errors import UserError

from .transform import BATCH_TRANSFORMS, BatchTransform
from .uniforms import between
from .view import View


@BATCH_TRANSFORMS.register_module()
class RandomErasing(BatchTransform):
    """MMPretrain's ``RandomErasing``: exact, except for the noise itself in mode 'rand'.

    Zhong et al., "Random Erasing Data Augmentation", AAAI 2020.

    Args:
        erase_prob: Probability that an image is erased.
        min_area_ratio: Least share of the image that is erased.
        max_area_ratio: Greatest share.
        aspect_range: Least and greatest ratio of height to width, or one of them.
        mode: 'const', or 'rand' for noise, which is drawn on the host.
        fill_color: Colour, or mean of the noise, in the order of the image's channels (BGR).
        fill_std: Standard deviation of normal noise; None for even noise of all levels.

    Raises:
        UserError: If an argument is out of range.
    """

    numbers = 6

    def __init__(
        self,
        erase_prob: float = 0.5,
        min_area_ratio: float = 0.02,
        max_area_ratio: float = 0.4,
        aspect_range: float | Sequence[float] = (3 / 10, 10 / 3),
        mode: str = 'const',
        fill_color: float | Sequence[float] = (128, 128, 128),
        fill_std: float | Sequence[float] | None = None,
    ) -> None:
        if not (0 <= erase_prob <= 1 and 0 <= min_area_ratio <= max_area_ratio <= 1):
            raise UserError(
                'RandomErasing needs erase_prob and min_area_ratio <= max_area_ratio in [0, 1], got '
                f'{erase_prob}, {min_area_ratio} and {max_area_ratio}'
            )
        if mode not in ('const', 'rand'):
            raise UserError(f"mode of RandomErasing must be 'const' or 'rand', got {mode!r}")
        ratio = aspect_range if isinstance(aspect_range, Sequence) else (aspect_range, 1 / aspect_range)
        if min(ratio) <= 0:
            raise UserError(f'aspect_range of RandomErasing must be positive, got {aspect_range}')
        self.erase_prob = erase_prob
        self.area = (min_area_ratio, max_area_ratio)
        self.log_aspect = (np.log(min(ratio)), np.log(max(ratio)))
        self.noise = mode == 'rand'
        self.color = np.broadcast_to(np.array(fill_color, float), 3)
        self.std = None if fill_std is None else np.broadcast_to(np.array(fill_std, float), 3)

    def patches(self, size: tuple[int, int], numbers: np.ndarray) -> np.ndarray:
        """Return top, left, height and width of what is erased, (N, 4); zeros for nothing."""
        erased = numbers[:, 0] < self.erase_prob
        aspect = np.exp(between(self.log_aspect, numbers[:, 1]))
        area = size[0] * size[1] * between(self.area, numbers[:, 2])
        height = np.minimum(np.sqrt(area * aspect).round(), size[0])
        width = np.minimum(np.sqrt(area / aspect).round(), size[1])
        top, left = numbers[:, 3] * (size[0] - height), numbers[:, 4] * (size[1] - width)
        return (np.stack([top, left, height, width], axis=1) * erased[:, None]).astype(np.int64)

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        rows = view.pixels().permute(0, 2, 3, 1)  # (N, H, W, 3)
        patches = self.patches(view.size, numbers)
        fill = self._noise(view.size, patches, numbers[:, 5]) if self.noise else self.color.astype(np.uint8)
        colors = torch.from_numpy(fill).to(rows.device, non_blocking=True).flip(-1 if view.rgb else ())
        erase = _erase_each if rows.device.type == 'cpu' else _erase_masked
        return View.of(erase(rows, patches, colors).permute(0, 3, 1, 2), view.rgb)

    def _noise(self, size: tuple[int, int], patches: np.ndarray, numbers: np.ndarray) -> np.ndarray:
        """Return noise for each patch where it lies, uint8, (N, H, W, 3)."""
        noise = np.zeros((len(patches), *size, 3), np.uint8)
        for image, (top, left, height, width), number in zip(noise, patches, numbers, strict=True):
            rng = np.random.default_rng(int(number * 2**53))
            shape = (height, width, 3)
            if self.std is None:
                values = rng.integers(0, 256, shape)
            else:
                values = rng.normal(self.color, self.std, shape).clip(0, 255)
            image[top : top + height, left : left + width] = values
        return noise


def _erase_each(rows: Tensor, patches: np.ndarray, colors: Tensor) -> Tensor:
    """Fill patches, (N, 4), of images, (N, H, W, 3), in place."""
    for image, source, (top, left, height, width) in zip(rows, colors.expand_as(rows), patches.tolist()):
        patch = slice(top, top + height), slice(left, left + width)
        image[patch] = source[patch]
    return rows


def _erase_masked(rows: Tensor, patches: np.ndarray, colors: Tensor) -> Tensor:
    """Do as :func:`_erase_each` in few operations."""
    edges = torch.from_numpy(patches).to(rows.device, non_blocking=True)[..., None, None]  # (N, 4, 1, 1)
    top, left, height, width = edges.unbind(1)
    row, column = (torch.arange(side, device=rows.device) for side in rows.shape[1:3])
    inside = (row[:, None] >= top) & (row[:, None] < top + height)  # (N, H, 1)
    inside = inside & (column >= left) & (column < left + width)  # (N, H, W)
    return torch.where(inside[..., None], colors, rows)
