"""Bilinear resizing of bytes as Pillow does it, on any device."""

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BITS = 22  # of Pillow's weights for bytes, which are whole numbers


def resize(images: Tensor, size: tuple[int, int], antialias: bool) -> Tensor:
    """Resize images on a CPU by torch's kernel for bytes, which is Pillow's own.

    The kernel has 15 bits for a weight, Pillow 22: equal where the scale is a ratio of small
    numbers (100 to 256, 48 to 72, 224 to 256 px), else off by one grey level in less than 3 of
    100 pixels; in 1 of 4 where the width grows and the height shrinks, since Pillow exchanges its
    passes then.

    Args:
        images: uint8, (N, 3, H, W), fastest with channels last.
        size: New height and width in pixels.
        antialias: Widen the kernel when shrinking, as Pillow does and OpenCV does not.

    Returns:
        uint8, (N, 3, *size), computed by one thread.
    """
    return F.interpolate(images, size, mode='bilinear', antialias=antialias)


def resample(images: Tensor, rows: Tensor, columns: Tensor, size: tuple[int, int], antialias: bool) -> Tensor:
    """Compute chosen rows and columns of resized images, by Pillow's whole-number arithmetic.

    Nothing here waits for a GPU. Equal to Pillow's ``resize`` bit by bit with ``antialias``.

    Args:
        images: uint8, (N, 3, H, W).
        rows: Which rows of the resized images, int64, (N, h).
        columns: Which columns, int64, (N, w).
        size: Height and width of the resized images in pixels.
        antialias: As in :func:`resize`.

    Returns:
        uint8, (N, 3, h, w).
    """
    height, width = images.shape[2:]
    passes = [
        (3, columns[:, None, None, :], width, size[1]),
        (2, rows[:, None, :, None], height, size[0]),
    ]
    if size[1] > width and size[0] < height:  # Pillow's order, which saves it work
        passes.reverse()
    for dim, index, length, new in passes:
        images = _along(images, dim, index, length, new, antialias)
    return images


def _along(x: Tensor, dim: int, index: Tensor, length: int, new: int, antialias: bool) -> Tensor:
    """Resample bytes along one dimension at the places ``index``, which broadcasts to the rest."""
    first, weights = _taps(length, new, antialias, x.device)
    shape = list(x.shape)
    shape[dim] = index.shape[dim]
    total = torch.full(shape, 1 << (BITS - 1), dtype=torch.int32, device=x.device)
    for k in range(weights.shape[1]):
        place = (first[index] + k).clamp_max(length - 1)
        total += x.gather(dim, place.expand(shape)) * weights[index, k]
    return (total >> BITS).clamp(0, 255).byte()


@cache
def _taps(length: int, new: int, antialias: bool, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the first source pixel, (new,), and the weights of it and those after, (new, K), int32.

    As Pillow's ``precompute_coeffs`` and ``normalize_coeffs_8bpc`` (src/libImaging/Resample.c).
    """
    scale = length / new
    support = max(scale, 1.0) if antialias else 1.0
    center = (np.arange(new) + 0.5) * scale
    first = np.maximum((center - support + 0.5).astype(np.int64), 0)
    end = np.minimum((center + support + 0.5).astype(np.int64), length)
    place = first[:, None] + np.arange((end - first).max())
    weights = np.maximum(1 - np.abs(place + 0.5 - center[:, None]) / support, 0) * (place < end[:, None])
    whole = (weights / weights.sum(1, keepdims=True) * 2**BITS + 0.5).astype(np.int32)
    start, taps = (torch.from_numpy(x).to(device, non_blocking=True) for x in (first, whole))
    return start, taps
