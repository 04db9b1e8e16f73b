"""Images in one folder per class."""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import DatasetError
from dacl_mm.text import printable

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')
LITTER = ('thumbs.db', 'desktop.ini')  # that file managers leave, beside names with a leading dot


def read_folders(
    root: Path, part: Path, folders: Mapping[str, str], ignored: Sequence[str] = ()
) -> SampleTable:
    """List the images of a part's class folders.

    Args:
        root: Root that names are relative to.
        part: Folder that holds the class folders.
        folders: Folder name -> expression.
        ignored: Names of folders to pass over.

    Raises:
        DatasetError: If a class folder is missing, or one is not in ``folders``.
    """
    present = set(subfolders(part)) - set(ignored)
    unknown, missing = sorted(present - set(folders)), sorted(set(folders) - present)
    if unknown or missing:
        raise DatasetError(
            f'{part} holds other class folders than expected: unknown {unknown}, missing {missing}. '
            f'Expected {sorted(folders)}; FERFolder maps other names by its option `folders`, and passes '
            'over those in `ignore_folders`'
        )
    rows = [
        ((part / folder / name).relative_to(root), folders[folder], 0)
        for folder in sorted(folders)
        for name in files(part / folder)
        if name.lower().endswith(SUFFIXES)
    ]
    return SampleTable.from_rows(root, rows)


def subfolders(folder: Path) -> list[str]:
    """Return the names of a folder's folders, but hidden ones."""
    return sorted(e.name for e in os.scandir(folder) if e.is_dir() and not e.name.startswith('.'))


def files(folder: Path) -> list[str]:
    """Return the names of a folder's files and links, but hidden ones and litter."""
    return sorted(
        e.name
        for e in os.scandir(folder)
        if not e.is_dir() and not e.name.startswith('.') and e.name.lower() not in LITTER
    )


def other_files(parts: Sequence[Path], folders: Mapping[str, str]) -> dict[Path, str]:
    """Say of each class folder which files are of a kind that is not read, where there are any."""
    found = {}
    for folder in [part / name for part in parts for name in folders]:
        names = [name for name in files(folder) if not name.lower().endswith(SUFFIXES)]
        if names:
            kinds = Counter(Path(name).suffix.lower() or 'no suffix' for name in names)
            counts = printable(', '.join(f'{n} x {kind}' for kind, n in kinds.most_common()))
            found[folder] = (
                f'{len(names)} files are not read, as {printable(names[0])} ({counts}); convert images to '
                'jpg or png'
            )
    return found
