"""Decoding all images of a data set into a file."""

import errno
import os

import numpy as np
from mmengine.logging import print_log

from dacl_mm.datasets.images import open_image, to_bgr
from dacl_mm.datasets.scan.parallel import over_chunks
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import UnreadableImageError

from .pixels import ROW_BYTES


def pixel_bytes(size: np.ndarray) -> np.ndarray:
    """Return the bytes of images' pixels, int64, (N,), from width and height (of either order), (N, 2)."""
    return np.asarray(3 * size.astype(np.int64).prod(1))


def fill(descriptor: int, table: SampleTable, size: np.ndarray) -> None:
    """Decode the images in parallel and write the file of :class:`PixelFile`.

    An image that cannot be read is left out. So is one that is not of its expected
    size, with a message: its file changed since it was looked at.

    Args:
        descriptor: A file to write to.
        table: The images.
        size: Expected width and height of each, of either order, (N, 2); 0 where it is not to be read.

    Raises:
        OSError: If the file cannot be written, or has no room, which shows at once.
    """
    room = pixel_bytes(size)
    start = len(table) * ROW_BYTES + room.cumsum() - room
    os.posix_fallocate(descriptor, 0, len(table) * ROW_BYTES + int(room.sum()))

    def decode(chunk: range) -> np.ndarray:
        rows = np.zeros((len(chunk), 3), np.int64)
        for row, i in zip(rows, chunk):
            if not room[i]:
                continue
            try:
                bgr = to_bgr(open_image(table.path(i)))
            except UnreadableImageError:
                continue
            if bgr.nbytes == room[i]:
                _write(descriptor, bgr, int(start[i]))
                row[:] = start[i], *bgr.shape[:2]
        return rows

    label = f'Storing {len(table)} images ({room.sum() / 1e9:.2f} GB)'
    rows = np.concatenate(over_chunks(decode, len(table), label))
    _write(descriptor, rows, 0)
    changed = np.flatnonzero((room > 0) & (rows[:, 1] == 0))
    if len(changed):
        print_log(
            f'storage: {len(changed)} images changed since they were looked at, as {table.path(changed[0])}: '
            'these are read from their files',
            logger='current',
            level=30,
        )


def _write(descriptor: int, array: np.ndarray, position: int) -> None:
    if os.pwrite(descriptor, array.data, position) < array.nbytes:  # short where there is no more room
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
