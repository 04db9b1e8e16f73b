"""Decoded images in a file that processes map instead of copying it."""

import mmap
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.logging import print_log

from .places import Place

# A file starts with first byte, height and width of each image, int64, (N, 3); height 0 is not stored.
ROW_BYTES = 3 * 8


class PixelFile:
    """A complete file of a place. A copy, in another process too, maps the same file again.

    Args:
        place: Where it lies.
        count: Number of images.
        descriptor: The open file; it is closed.

    Raises:
        ValueError: If the file is shorter than it should be.
    """

    def __init__(self, place: Place, count: int, descriptor: int):
        self.place = place
        self.count = count
        self._map(descriptor)

    def __getstate__(self) -> dict[str, Any]:
        return dict(place=self.place, count=self.count)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        descriptor = self.place.find()
        if descriptor is None:
            print_log(
                f'storage: {self.place} was removed: images are read from their files',
                logger='current',
                level=30,
            )
            self._rows = np.zeros((self.count, 3), np.int64)
        else:
            self._map(descriptor)

    def _map(self, descriptor: int) -> None:
        try:
            mapped = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)  # keeps the file open
        finally:
            os.close(descriptor)
        self._bytes = np.frombuffer(mapped, np.uint8)
        end = self.count * ROW_BYTES
        self._rows = np.zeros((0, 3), np.int64)
        if end <= len(mapped):
            self._rows = self._bytes[:end].view(np.int64).reshape(-1, 3)
            start, height, width = self._rows.T
            end = int((start + 3.0 * height * width).max(initial=end))  # no sum of floats overflows
        if end > len(mapped) or self._rows.min(initial=0) < 0:
            raise ValueError(f'{len(mapped)} bytes, expected {end}')

    def __getitem__(self, i: int) -> np.ndarray | None:
        start, height, width = self._rows[i].tolist()
        if not height:
            return None
        return self._bytes[start : start + 3 * height * width].reshape(height, width, 3)


class StoredPixels(Sequence[np.ndarray | None]):
    """Images of a file, chosen and ordered by their index.

    Each is BGR, uint8, (H, W, 3), read-only, or None where it is not stored.

    Args:
        file: The file.
        chosen: Index into the file of each image, integers, (N,).
    """

    def __init__(self, file: PixelFile, chosen: np.ndarray):
        self.file = file
        self.chosen = chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, i: Any) -> Any:
        return self.file[self.chosen[i]]

    def take(self, index: np.ndarray) -> 'StoredPixels':
        """Return the images of an index array, (M,)."""
        return StoredPixels(self.file, self.chosen[index])
