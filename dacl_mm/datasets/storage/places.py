"""Where a file of pixels lies: on disk, or in memory that is freed with its last user."""

import glob
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .free_memory import free_memory


class Place(Protocol):
    """Holds one file, which is found only once it is complete.

    Descriptors are open for reading, and the caller's to close.
    """

    @property
    def part(self) -> str:
        """Whose pixels it holds."""

    def find(self) -> int | None:
        """Open the file, or return None where there is none."""

    def tidy(self) -> None:
        """Remove what no process will look for any more."""

    def free(self) -> int:
        """Return how many bytes there is room for."""

    def write(self, fill: Callable[[int], None]) -> int:
        """Make the file and open it; where ``fill`` raises, which writes to a descriptor, there is none."""


@dataclass(frozen=True)
class DiskPlace:
    """A file in a folder.

    Args:
        folder: The folder.
        part: Whose pixels it holds; those of the part's other versions are outdated.
        version: Version of the sources.
    """

    folder: Path
    part: str
    version: str

    def __str__(self) -> str:
        return str(self.path)

    @property
    def path(self) -> Path:
        """The complete file."""
        return self.folder / f'pixels-{self.part}-{self.version}.bin'

    @property
    def _temporary(self) -> Path:
        return self.folder / f'.pixels-{self.part}.tmp'

    def find(self) -> int | None:
        try:
            return os.open(self.path, os.O_RDONLY)
        except OSError:
            return None

    def tidy(self) -> None:
        self._temporary.unlink(missing_ok=True)  # of a process that was killed
        for outdated in self.folder.glob(f'pixels-{self.part}-*.bin'):
            outdated.unlink()

    def free(self) -> int:
        return shutil.disk_usage(self.folder).free

    def write(self, fill: Callable[[int], None]) -> int:
        try:
            with open(self._temporary, 'xb') as file:
                fill(file.fileno())
                os.fsync(file.fileno())
            os.replace(self._temporary, self.path)
        finally:
            self._temporary.unlink(missing_ok=True)
        return os.open(self.path, os.O_RDONLY)


@dataclass(frozen=True)
class MemoryPlace:
    """A file without a folder (``memfd_create``): the system frees it with the last process that has it open.

    It is not part of ``/dev/shm``, which containers keep small. The user's other
    processes find it among the open files of those that use it.

    Args:
        part: Whose pixels it holds.
        version: Version of the sources.
    """

    part: str
    version: str

    def __str__(self) -> str:
        return f'shared memory {self._name}'

    @property
    def _name(self) -> str:
        return f'dacl_mm-{self.part}-{self.version}'

    def find(self) -> int | None:
        for link in glob.iglob('/proc/[0-9]*/fd/*'):
            with suppress(OSError):  # another user's, or closed meanwhile
                if os.readlink(link) == f'/memfd:{self._name} (deleted)':
                    descriptor = os.open(link, os.O_RDONLY)
                    if _is_own(descriptor) and _is_sealed(descriptor):
                        return descriptor
                    os.close(descriptor)  # of a process that was killed while it filled it
        return None

    def tidy(self) -> None:
        """The system does."""

    def free(self) -> int:
        return free_memory()

    def write(self, fill: Callable[[int], None]) -> int:
        import fcntl  # not on every system

        descriptor = os.memfd_create(self._name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        try:
            fill(descriptor)
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK)
            return os.open(f'/proc/self/fd/{descriptor}', os.O_RDONLY)
        finally:
            os.close(descriptor)


def _is_own(descriptor: int) -> bool:
    """Return whether a file is this user's: root can open everybody's."""
    return os.fstat(descriptor).st_uid == os.getuid()


def _is_sealed(descriptor: int) -> bool:
    """Return whether a file can be changed no more."""
    import fcntl

    return bool(fcntl.fcntl(descriptor, fcntl.F_GET_SEALS) & fcntl.F_SEAL_WRITE)
