"""Writing files so that a crash leaves the old or the new one, never half of one."""

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend


def write_atomic(data: bytes, path: str | Path) -> None:
    """Write bytes to a temporary neighbour, flush it to disk and rename it.

    Raises:
        OSError: If the disk is full or the folder not writable. An existing
            file is untouched then, and the temporary one removed.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{os.getpid()}.{path.name}.tmp')  # processes do not share one
    try:
        with open(temporary, 'wb') as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = f'{path} was not written: {error.strerror}; free some disk, or write elsewhere'
            raise OSError(error.errno, reason) from error
        raise


@register_backend('atomic')
class AtomicLocalBackend(LocalBackend):
    """mmengine's local files, each written in one step."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; see :func:`write_atomic`."""
        write_atomic(obj, filepath)
