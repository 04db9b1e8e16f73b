"""mmengine's local files, written so that a crash leaves the old or the new one."""

from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

from dacl_mm.files import write_atomic


@register_backend('atomic')
class AtomicLocalBackend(LocalBackend):
    """mmengine's local files, each written in one step."""

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write bytes; see :func:`write_atomic`."""
        write_atomic(obj, filepath)
