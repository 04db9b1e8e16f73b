"""Batched colour jitter, by Pillow's arithmetic."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from dacl_mm.errors import UserError

from .transform import BATCH_TRANSFORMS, BatchTransform
from .uniforms import between
from .view import View


@BATCH_TRANSFORMS.register_module()
class ColorJitter(BatchTransform):
    """MMPretrain's ``ColorJitter`` with its backend 'pillow', exact; the steps come in any order.

    A negative hue, at which MMCV raises an OverflowError under NumPy 2, turns the other way.

    Args:
        brightness: Range of the factor, or how far it lies around 1.
        contrast: Likewise.
        saturation: Likewise.
        hue: Range of the shift in turns, within [-0.5, 0.5], or its largest value.
        backend: 'pillow'.

    Raises:
        UserError: If a range is none, or the backend has no batched counterpart.
    """

    numbers = 8
    slow_on_cpu = True

    def __init__(
        self,
        brightness: float | Sequence[float] = 0.0,
        contrast: float | Sequence[float] = 0.0,
        saturation: float | Sequence[float] = 0.0,
        hue: float | Sequence[float] = 0.0,
        backend: str = 'pillow',
    ) -> None:
        if backend != 'pillow':
            raise UserError(f"backend of a batched ColorJitter must be 'pillow', got {backend!r}")
        given = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
        self.ranges = [_range(name, value) for name, value in given.items()]

    def parameters(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the order of the four steps, (N, 4), and their factors, (N, 4)."""
        factors = [between(r, u) for r, u in zip(self.ranges, numbers.T[4:])]
        return numbers[:, :4].argsort(axis=1), np.stack(factors, axis=1)

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        device = view.images.device
        pixels = view.pixels() if view.rgb else view.pixels().flip(1)
        order, factors = self.parameters(numbers)
        for position in range(4):
            for step, adjust in enumerate(STEPS):
                index = np.flatnonzero(order[:, position] == step)
                if self.ranges[step] == IDLE[step] or not len(index):
                    continue
                factor = torch.from_numpy(factors[index, step]).to(device, non_blocking=True)
                chosen = torch.from_numpy(index).to(device, non_blocking=True)
                adjusted = adjust(pixels.index_select(0, chosen), factor[:, None, None, None])
                pixels = pixels.index_copy(0, chosen, adjusted)
        pixels = pixels if view.rgb else pixels.flip(1)
        return View.of(pixels.contiguous(memory_format=torch.channels_last), view.rgb)


def _range(name: str, value: float | Sequence[float]) -> tuple[float, float]:
    """Return the least and the greatest factor, or shift of the hue."""
    middle, low, high = (0.0, -0.5, 0.5) if name == 'hue' else (1.0, 0.0, float('inf'))
    bounds = value if isinstance(value, Sequence) else (middle - value, middle + value)
    if len(bounds) != 2 or bounds[0] > bounds[1] or (not isinstance(value, Sequence) and value < 0):
        raise UserError(f'{name} of ColorJitter must be a number from 0 or a range, got {value}')
    return max(low, bounds[0]), min(high, bounds[1])


def blend(base: Tensor, images: Tensor, factor: Tensor) -> Tensor:
    """Go from ``base`` (factor 0) to ``images`` (1) and on, rounding towards 0: Pillow's ``blend``."""
    base = base.float()
    return (base + (images - base) * factor.float()).clamp(0, 255).byte()


def luma(images: Tensor) -> Tensor:
    """Return Pillow's grey, int32, (n, 1, H, W)."""
    r, g, b = images.int().unbind(1)
    grey: Tensor = (r * 19595 + g * 38470 + b * 7471 + 2**15) >> 16
    return grey[:, None]


def brightness(images: Tensor, factor: Tensor) -> Tensor:
    """Go towards black, or away from it.

    Args:
        images: RGB, uint8, (n, 3, H, W).
        factor: float64, (n, 1, 1, 1).
    """
    return blend(torch.zeros_like(images), images, factor)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Go towards the mean grey."""
    mean = luma(images).double().mean((1, 2, 3), keepdim=True)
    return blend((mean + 0.5).floor(), images, factor)


def saturation(images: Tensor, factor: Tensor) -> Tensor:
    """Go towards each pixel's grey."""
    return blend(luma(images), images, factor)


def hue(images: Tensor, factor: Tensor) -> Tensor:
    """Turn the hue in HSV of three bytes, as Pillow's ``Convert.c`` goes there and back."""
    greatest, least = images.amax(1), images.amin(1)
    chroma = (greatest - least).float()
    grey = chroma == 0
    r, g, b = ((greatest[:, None] - images) / torch.where(grey, 1, chroma)[:, None]).double().unbind(1)
    red, green = images[:, 0] == greatest, images[:, 1] == greatest
    h = torch.where(red, b - g, torch.where(green, 2 + r - b, 4 + g - r)).float().double()
    h = (torch.where(grey, 0, (h / 6 + 1) % 1).float().double() * 255).byte()
    s = ((chroma / greatest.clamp_min(1)).double() * 255).byte()
    h = h + ((factor[:, 0] * 255).trunc().long() & 255).byte()  # bytes wrap around
    turn = h.double() * 6 / 255
    sector = turn.floor()
    f, share, v = (turn - sector).float().double(), (s.double() / 255).float().double(), greatest.double()
    p, q, t = (_round(v * (1 - share * x)).byte() for x in (torch.ones_like(f), f, 1 - f))
    v = greatest
    table = torch.stack([v, t, p, q, v, p, p, v, t, p, q, v, t, p, v, v, p, q], dim=1)  # (n, 18, H, W)
    place = (sector.long() % 6)[:, None] * 3 + torch.arange(3, device=h.device)[:, None, None]
    return table.gather(1, place)


def _round(x: Tensor) -> Tensor:
    """Round halves up, as C does for positive numbers."""
    return (x + 0.5).floor()


#: In the order of MMPretrain's indices, with the ranges that change nothing.
STEPS: tuple[Callable[[Tensor, Tensor], Tensor], ...] = (brightness, contrast, saturation, hue)
IDLE = ((1.0, 1.0), (1.0, 1.0), (1.0, 1.0), (0.0, 0.0))
