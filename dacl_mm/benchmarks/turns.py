"""A training that runs an epoch when it is its turn, and reports what that took."""

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import NamedTuple

import torch

from .memory import anonymous_bytes, private_bytes, written_bytes
from .player import receive
from .timing import DEVICE

QUIET = 0.2  # seconds without output, after which nothing is being written any more


class Report(NamedTuple):
    """What an epoch took.

    Args:
        seconds: Until the next epoch could begin.
        waited: Seconds of them in which the training thread was busy with checkpoints.
        written: Bytes.
        host: Memory of the training process, in bytes.
        worker: Private memory of the largest of its loader processes that live on.
        device: Peak of the GPU's memory, in bytes.
    """

    seconds: float
    waited: float
    written: int
    host: int
    worker: int
    device: int


class Turns:
    """A training's side of the conversation."""

    def __init__(self, connection: Connection):
        self.connection = connection
        self.waited = 0.0
        self._begun: tuple[float, int] | None = None

    @contextmanager
    def checkpoint(self) -> Iterator[None]:
        """Count what the training thread does meanwhile as waiting for a checkpoint."""
        start = time.perf_counter()
        yield
        self.waited += time.perf_counter() - start

    def next(self) -> None:
        """Report the epoch that has ended, if there was one, and wait for the turn of the next."""
        if self._begun is not None:
            self.connection.send(self._report(*self._begun))
        receive(self.connection)
        self.waited = 0.0
        if DEVICE == 'cuda':
            torch.cuda.reset_peak_memory_stats()
        self._begun = time.perf_counter(), written_bytes()

    def _report(self, begin: float, written: int) -> Report:
        if DEVICE == 'cuda':
            torch.cuda.synchronize()
        taken = time.perf_counter() - begin
        last = 0
        while last != (last := written_bytes()):  # by threads that write while training would go on
            time.sleep(QUIET)
        workers = [private_bytes(child.pid) for child in multiprocessing.active_children() if child.pid]
        device = torch.cuda.max_memory_allocated() if DEVICE == 'cuda' else 0
        return Report(taken, self.waited, last - written, anonymous_bytes(), max(workers, default=0), device)
