"""Files written in one step, locks, and the folder of what can be made again."""

import hashlib
import io
import os
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout
from mmengine.logging import print_log

from dacl_mm.errors import FileError, UserError

VARIABLE = 'DACL_CACHE'  # names the folder of indices, which never lie in a data set's own folder


#: What is being written now.
_writing: set[io.BufferedWriter] = set()


def _close_inherited() -> None:
    # A loader process lives on: open in it, a file would keep its disk space after its removal.
    for file in _writing:
        file.raw.close()  # leaves alone what is buffered, which is not this process's to write


os.register_at_fork(after_in_child=_close_inherited)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary neighbour for writing; at the end it is flushed to disk and renamed.

    So is the name: what is removed afterwards is not gone before it after a loss of power.

    Raises:
        FileError: If the disk is full or the folder not writable. An existing
            file is untouched then, and the temporary one removed.
    """
    path = Path(path)
    make_folder(path.parent)
    temporary = path.with_name(f'.{os.getpid()}.{path.name}.tmp')  # processes do not share one
    try:
        with open(temporary, 'wb') as file:
            _writing.add(file)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
            finally:
                _writing.remove(file)
        os.replace(temporary, path)
        sync(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = f'{path} was not written: {error.strerror}; free some disk, or write elsewhere'
            raise FileError(reason) from error
        raise


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(data: bytes, path: str | Path) -> None:
    """Write bytes in one step.

    Raises:
        FileError: As :func:`atomic_file` does.
    """
    with atomic_file(path) as file:
        file.write(data)


def make_folder(path: str | Path) -> None:
    """Make a folder that can be written to, where there is none yet.

    Raises:
        FileError: If that is not allowed, or a file is in its place.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f'{path} cannot be made a folder: {error.strerror}; choose another') from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise FileError(f'{path} cannot be written to: choose another folder, or get the right to')


@contextmanager
def file_lock(path: Path, work: str, seconds: float = 0) -> Iterator[None]:
    """Hold a folder's lock file against other processes; it is free again when this one is gone.

    Args:
        path: The lock file; it stays, and says who held it last.
        work: What is done in its folder ('training'), for the message.
        seconds: How long to wait for another process to end.

    Raises:
        UserError: If another process holds it.
    """
    make_folder(path.parent)
    # One lock a process: an interrupted run of the same process does not stand in the way.
    lock = FileLock(path, thread_local=False, is_singleton=True)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise UserError(
            f'another {work} works in {path.parent} ({path.read_text() or "unknown process"}): wait for it, '
            'or choose another --work-dir'
        ) from None
    try:
        path.write_text(f'process {os.getpid()} on {socket.gethostname()}')
        yield
    finally:
        lock.release()


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


def load_cached(name: str) -> bytes | None:
    """Return a stored entry, or None."""
    try:
        return (cache_dir() / name).read_bytes()
    except OSError:
        return None


def store_cached(name: str, data: bytes) -> None:
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
