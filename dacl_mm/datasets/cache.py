"""Where indices of data sets are kept: never in the data set's own folder."""

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from mmengine.logging import print_log

from dacl_mm.checkpoint import write_atomic

VARIABLE = 'DACL_CACHE'


def cache_dir() -> Path:
    """Return ``DACL_CACHE`` of the environment, else ``dacl_mm`` in the user's cache folder."""
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    base = os.environ.get('XDG_CACHE_HOME') or Path.home() / '.cache'
    return Path(base) / 'dacl_mm'


def digest(parts: Iterable[bytes | str]) -> str:
    """Hash byte strings to a key of 32 hexadecimal digits."""
    state = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        state.update(len(data).to_bytes(8, 'little') + data)
    return state.hexdigest()[:32]


def load(name: str) -> bytes | None:
    """Return a stored entry, or None."""
    try:
        return (cache_dir() / name).read_bytes()
    except OSError:
        return None


def store(name: str, data: bytes) -> None:
    """Keep an entry; where nothing can be written, warn and go on without.

    Written in one step, so that processes that start at once cannot mix theirs.
    """
    try:
        write_atomic(data, cache_dir() / name)
    except OSError as error:
        print_log(
            f'index not kept ({error}); set {VARIABLE} to a writable folder to start faster next time',
            logger='current',
            level=30,
        )
