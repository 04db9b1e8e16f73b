"""Lists of images to leave out."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import print_log

from dacl_mm.errors import DatasetError

from .table import SampleTable


def read_names(path: str) -> list[str]:
    """Return the names of an ``exclude_file``, one a line; lines that start with '# ' are comments.

    Raises:
        DatasetError: If the file cannot be read.
    """
    try:
        lines = Path(path).read_text(encoding='utf-8-sig').splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f'exclude_file {path} cannot be read: {error}') from error
    return [line.strip() for line in lines if line.strip() and not line.startswith('# ')]


def named(table: SampleTable, names: Sequence[str]) -> np.ndarray:
    """Return which images are named, by file or by alias, (N,)."""
    wanted = np.array([name.encode() for name in names] or [b''], np.bytes_)
    found = np.isin(table.files, wanted)
    return found if table.alias is None else found | (np.isin(table.alias, wanted) & (table.alias != b''))


def excluded(
    path: str, table: SampleTable, parts: Callable[[], Sequence[SampleTable]], where: str
) -> np.ndarray:
    """Return which images an ``exclude_file`` names, (N,).

    Args:
        path: The list; it may name images of other parts as well.
        table: The images of one part.
        parts: Reads all parts; called if a name is not found in ``table``.
        where: The data set, for messages.

    Raises:
        DatasetError: If the file cannot be read, or the set has none of its names.
    """
    names = read_names(path)
    found = named(table, names)
    unknown = set(names) - _known(table)
    if unknown:
        unknown = unknown.difference(*map(_known, parts()))
    if unknown:
        first = next(name for name in names if name in unknown)
        message = (
            f'exclude_file {path}: {len(unknown)} of {len(set(names))} names are not in {where}, '
            f'as {first!r}; its names are like {table.lasting_name(0)!r}'
        )
        if len(unknown) == len(set(names)):
            raise DatasetError(f'{message}. Correct the list, or set exclude_file=None')
        print_log(message, logger='current', level=30)
    print_log(f'exclude_file {path}: leaves {found.sum()} of {len(table)} images out here', logger='current')
    return found


def _known(table: SampleTable) -> set[str]:
    return {name.decode() for column in (table.files, table.alias) if column is not None for name in column}
