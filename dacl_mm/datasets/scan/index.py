"""The index of a data set whose annotations take long to read.

It lies in the cache folder (``DACL_CACHE``), so a read-only root will do.
"""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from dacl_mm.datasets.table import SampleTable
from dacl_mm.files import digest, load_cached, store_cached

VERSION = 1
WATCHED = 20_000


def indexed(
    root: Path,
    source: Path,
    containers: Sequence[Path],
    build: Callable[[], tuple[SampleTable, list[str]]],
) -> SampleTable:
    """Return a source's table from its index, which is built where it is missing or outdated.

    The index is outdated when a container (a list, or a folder: files added,
    removed or renamed) changed, or a watched annotation was rewritten in place.
    Watched are all of them up to 20,000, else 20,000 spread evenly: looking at
    every one of 287,651 files would take a third of the time of reading them.

    Args:
        root: Root that the table's names are relative to.
        source: List, or folder of annotations.
        containers: What to compare the time of change of.
        build: Reads the source: the table, and the annotation files' names.
    """
    name = f'index-{digest([str(source.resolve())])}.npz'
    stored = load_cached(name)
    states = [_state(path) for path in containers]  # before reading: a change meanwhile outdates it
    if stored is not None:
        header, _, body = stored.partition(b'\n')
        try:
            known = json.loads(header)
            current = dict(version=VERSION, states=states, watched=_watch(source, known.get('watched', {})))
            if known == current:
                return SampleTable.from_bytes(body, root)
        except (ValueError, TypeError, KeyError, AttributeError, OSError, RecursionError):
            pass  # another version's, or damaged: built anew
    table, files = build()
    watched = _watch(source, [files[i] for i in spread(len(files))])
    header = json.dumps(dict(version=VERSION, states=states, watched=watched)).encode()
    store_cached(name, header + b'\n' + table.to_bytes())
    return table


def spread(count: int) -> np.ndarray:
    """Return at most WATCHED indices, spread evenly over ``range(count)``."""
    return np.linspace(0, count - 1, min(count, WATCHED)).astype(int)


def _state(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_size, status.st_mtime_ns] if path.is_file() else [status.st_mtime_ns]


def _watch(folder: Path, names: Iterable[str]) -> dict[str, int]:
    """Return the time of change of some files of a folder, in ns."""
    return {name: os.stat(f'{folder}/{name}').st_mtime_ns for name in names}
