"""A folder that is there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dacl_mm.errors import FileError
from dacl_mm.files import make_folder, sync


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Make a temporary neighbour to fill; at the end it is flushed to disk and renamed.

    Args:
        path: The folder to be, which may be there if it is empty.

    Raises:
        FileError: If something is in its place, or it cannot be written.
    """
    path = path.expanduser().absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileError(f'{path} is there already: name another folder, or remove it')
    make_folder(path.parent)
    temporary = path.with_name(f'.{os.getpid()}.{path.name}.tmp')
    try:
        temporary.mkdir()
        yield temporary
        for file in temporary.rglob('*'):
            sync(file)
        os.replace(temporary, path)
    except OSError as error:
        raise FileError(f'{path} was not written: {error}; free some disk, or write elsewhere') from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
