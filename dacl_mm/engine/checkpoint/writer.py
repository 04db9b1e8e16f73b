"""Writing checkpoints while training goes on."""

from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from logging import WARNING
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import print_log

from .saver import save_checkpoint
from .snapshot import Snapshot, mapped


class CheckpointWriter:
    """Writes checkpoints one after the other, from snapshots, in a thread of its own.

    Of each kind one is under way at a time: the next of the kind waits for it. A write that fails is
    logged at once, and raised in the training thread by the next call. Python does not exit before
    everything is written.

    Args:
        background: False writes in the training thread, which takes no memory for a snapshot.
    """

    def __init__(self, background: bool = True) -> None:
        self._thread = ThreadPoolExecutor(1, 'checkpoints') if background else None
        self._snapshots: dict[str, Snapshot] = defaultdict(Snapshot)
        self._pending: dict[str, Future[None]] = {}

    def write(self, kind: str, checkpoint: dict[str, Any], path: Path, then: Callable[[], None]) -> None:
        """Write a checkpoint, and call a function when it is on disk.

        Args:
            kind: What waits for its like.
            checkpoint: Its tensors may change when this returns.
            path: The file.
            then: Called in the thread that has written.

        Raises:
            FileError: If this one or one before could not be written.
        """
        if self._thread is None:
            save_checkpoint(mapped(checkpoint, _to_host), path)
            then()
            return
        for pending in [its for name, its in self._pending.items() if name == kind or its.done()]:
            pending.result()
        snapshot = self._snapshots[kind]
        copied = snapshot.take(checkpoint)
        self._pending[kind] = self._thread.submit(_write, snapshot, copied, path, then)

    def drain(self) -> None:
        """Wait until everything is on disk; nothing can be written afterwards."""
        if self._thread is not None:
            self._thread.shutdown()

    def finish(self) -> None:
        """Wait until everything is on disk, and free the snapshots.

        Raises:
            FileError: If something could not be written.
        """
        self.drain()
        self._snapshots.clear()
        for pending in self._pending.values():
            pending.result()


def _write(snapshot: Snapshot, checkpoint: dict[str, Any], path: Path, then: Callable[[], None]) -> None:
    try:
        snapshot.wait()
        save_checkpoint(checkpoint, path)
        then()
    except Exception as error:
        print_log(f'{error}', 'current', WARNING)
        raise


def _to_host(leaf: Any) -> Any:
    return leaf.cpu() if isinstance(leaf, torch.Tensor) else leaf
