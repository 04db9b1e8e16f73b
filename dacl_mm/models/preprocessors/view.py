"""A batch that is resized, cropped and mirrored at once, when its pixels are asked for."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from .resampling import resample, resize


@dataclass(frozen=True)
class View:
    """Images of one size, seen through a window of their resized selves.

    What is asked of a view is noted for each sample, on the host; pixels are computed once, and
    none outside the window on a GPU.

    Args:
        images: uint8, (N, 3, H, W).
        rgb: Order of the channels, else BGR.
        full: Height and width in pixels that images are resized to.
        antialias: How: :func:`.resampling.resize`.
        size: Height and width of the window in pixels.
        top: First row of each window in the resized image, (N,).
        left: First column, (N,).
        mirrored: Whether left and right are exchanged in the window, bool, (N,).
        upside_down: Whether top and bottom are, bool, (N,).
    """

    images: Tensor
    rgb: bool
    full: tuple[int, int]
    antialias: bool
    size: tuple[int, int]
    top: np.ndarray
    left: np.ndarray
    mirrored: np.ndarray
    upside_down: np.ndarray

    @classmethod
    def of(cls, images: Tensor, rgb: bool) -> 'View':
        """Return images as they are."""
        zero, no = np.zeros(len(images), np.int64), np.zeros(len(images), bool)
        size = (images.shape[2], images.shape[3])
        return cls(images, rgb, size, True, size, top=zero, left=zero, mirrored=no, upside_down=no)

    def __len__(self) -> int:
        return len(self.images)

    def resized(self, size: tuple[int, int], antialias: bool) -> 'View':
        """Resize what is seen to height and width."""
        untouched = self.size == self.full == tuple(self.images.shape[2:])
        if not untouched or self.mirrored.any() or self.upside_down.any():
            return View.of(self.pixels(), self.rgb).resized(size, antialias)
        return replace(self, full=size, size=size, antialias=antialias)

    def cropped(self, top: np.ndarray | int, left: np.ndarray | int, size: tuple[int, int]) -> 'View':
        """Narrow each window to one of ``size`` at its own row and column, (N,)."""
        below, beside = self.size[0] - size[0] - top, self.size[1] - size[1] - left
        return replace(
            self,
            size=size,
            top=self.top + np.where(self.upside_down, below, top),
            left=self.left + np.where(self.mirrored, beside, left),
        )

    def flipped(self, horizontally: np.ndarray, vertically: np.ndarray) -> 'View':
        """Flip each sample whose flag is set, bool, (N,)."""
        return replace(self, mirrored=self.mirrored ^ horizontally, upside_down=self.upside_down ^ vertically)

    def pixels(self) -> Tensor:
        """Compute what is seen: uint8, (N, 3, h, w), channels last."""
        seen = self.images.new_empty(len(self), *self.size, 3).permute(0, 3, 1, 2)
        self.copy_to(seen)
        return seen

    def copy_to(self, out: Tensor) -> None:
        """Compute what is seen into a tensor of any type, (N, 3, h, w)."""
        if self.images.device.type == 'cpu':
            self._copy_each(out)
        else:
            out.copy_(self.resample())

    def _copy_each(self, out: Tensor) -> None:
        """Resize whole images, flipped before that, and copy each window."""
        images = _flipped(_flipped(self.images, self.mirrored, 3), self.upside_down, 2)
        (height, width), (h, w) = self.full, self.size
        # A window lies in the flipped image where it lay, seen from the other side.
        top = np.where(self.upside_down, height - h - self.top, self.top).tolist()
        left = np.where(self.mirrored, width - w - self.left, self.left).tolist()
        whole = tuple(images.shape[2:]) == self.full
        images = images if whole else resize(images, self.full, self.antialias)
        # By numpy, which starts a copy in a fifth of torch's time.
        targets, sources = (batch.permute(0, 2, 3, 1).numpy() for batch in (out, images))
        for target, source, y, x in zip(targets, sources, top, left, strict=True):
            target[...] = source[y : y + h, x : x + w]

    def resample(self) -> Tensor:
        """Compute what is seen, uint8, (N, 3, h, w), by index arithmetic on the images' device."""
        device = self.images.device
        rows, columns = (
            torch.from_numpy(start[:, None] + np.where(flags[:, None], np.arange(n)[::-1], np.arange(n)))
            .to(device, non_blocking=True)
            for start, flags, n in (
                (self.top, self.upside_down, self.size[0]),
                (self.left, self.mirrored, self.size[1]),
            )
        )  # fmt: skip
        return resample(self.images, rows, columns, self.full, self.antialias)


def _flipped(images: Tensor, flags: np.ndarray, dim: int) -> Tensor:
    """Flip the flagged images along a dimension."""
    index = np.flatnonzero(flags).tolist()
    if index:
        images = images.clone()
        for i in index:
            images[i] = images[i].flip(dim - 1)
    return images
