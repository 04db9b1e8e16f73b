"""Finding the stored images of an official part, or storing them once."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import PIL
from filelock import FileLock, Timeout
from mmengine.logging import print_log

from dacl_mm.datasets.scan.states import file_states
from dacl_mm.datasets.table import SampleTable
from dacl_mm.files import VARIABLE, cache_dir, digest, make_folder

from .fill import fill, pixel_bytes
from .option import StorageOption
from .pixels import PixelFile, StoredPixels
from .places import DiskPlace, MemoryPlace, Place

FORMAT = '1'  # of the file
MARGIN = 2 * 10**9  # bytes left to others: to checkpoints, to the training's memory


class NoRoomError(Exception):
    """The pixels take more than they may; the message says what to change."""


def stored_pixels(
    table: SampleTable, size: np.ndarray, part: str, option: StorageOption
) -> StoredPixels | None:
    """Return the decoded images of an official part, and store them where no process did so before.

    Of processes that start at once, ranks among them, one stores and the others
    wait. Either all is stored, or nothing and a message says why: the pixels take
    more than ``limit_gb``, or than there is room for less :data:`MARGIN`, or cannot
    be written. A change of a file, of the list of files or of Pillow's version has
    them stored anew.

    Args:
        table: The images of the whole part. Nothing is done where it holds ``pixels``.
        size: Width and height of each, in either order, (N, 2); 0 where it cannot be read.
        part: 'train' or 'test'.
        option: Where, and how much.

    Returns:
        The images in the order of the table, or None.
    """
    if table.pixels is not None:
        return None
    files = table.files.tolist()
    folder = os.path.commonpath([min(files), max(files)]).decode()
    count, gigabytes = len(table), pixel_bytes(size).sum() / 1e9
    try:
        if sys.platform != 'linux':
            raise NoRoomError(f'it needs Linux, not {sys.platform}')
        if gigabytes > option.limit_gb:
            raise NoRoomError(f'more than storage.limit_gb={option.limit_gb:g}, which may be raised')
        place = _place(table, size, folder, part, option.where)
        file = None
        with suppress(ValueError):  # damaged: the process that stores it anew says so
            file = _open(place, count)
        if file is None:
            make_folder(cache_dir())
            with _alone(cache_dir() / f'pixels-{place.part}.lock'):
                file = _open_or_write(place, table, size)
    except (NoRoomError, OSError) as error:
        elsewhere = f'; change storage.where, or {VARIABLE} (the cache folder)'
        reason = error if isinstance(error, NoRoomError) else f'{error}{elsewhere}'
        print_log(
            f'storage: the {count:,} {part} images in {table.root / folder} are read from their files; they '
            f'take {gigabytes:.2f} GB as pixels: {reason}',
            logger='current',
            level=30,
        )
        return None
    return StoredPixels(file, np.arange(count))


def _place(table: SampleTable, size: np.ndarray, folder: str, part: str, where: str) -> Place:
    root = str(Path(table.root).resolve())
    states = file_states(table, range(len(table)))
    name = digest([root, folder, part])[:12]
    sources = (column.tobytes() for column in (table.files, size, states))
    version = digest([FORMAT, PIL.__version__, *sources])[:20]
    return MemoryPlace(name, version) if where == 'memory' else DiskPlace(cache_dir(), name, version)


def _open(place: Place, count: int) -> PixelFile | None:
    descriptor = place.find()
    return None if descriptor is None else PixelFile(place, count, descriptor)


def _open_or_write(place: Place, table: SampleTable, size: np.ndarray) -> PixelFile:
    try:
        file = _open(place, len(table))  # another process may have written it meanwhile
        if file is not None:
            return file
    except ValueError as error:
        print_log(f'storage: {place} is damaged ({error}): stored anew', logger='current', level=30)
    place.tidy()
    free = place.free() - MARGIN
    if pixel_bytes(size).sum() > free:
        raise NoRoomError(
            f'{place} has room for {max(free, 0) / 1e9:.2f} GB, with a margin of {MARGIN / 1e9:g} GB for '
            'others; free some, or change storage.where'
        )
    return PixelFile(place, len(table), place.write(lambda file: fill(file, table, size)))


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock; say so where another process has to be waited for."""
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print_log(f'storage: waiting for another process that stores the images ({path})', logger='current')
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
