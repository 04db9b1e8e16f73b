"""Trainings in processes of their own, which run an epoch each when it is their turn."""

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

import torch

from dacl_mm.errors import UserError

from .memory import anonymous_bytes, private_bytes, written_bytes
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


class HungUpError(Exception):
    """No epoch is asked for any more."""


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
        try:
            self.connection.recv()
        except EOFError:
            raise HungUpError from None
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


class Player:
    """A training in a process of its own.

    Args:
        run: Function that trains: takes its end of a connection, then ``args``.
        args: Further arguments.
    """

    def __init__(self, run: Callable[..., None], *args: Any):
        context = multiprocessing.get_context('spawn')
        self._connection, its = context.Pipe()
        self._process = context.Process(target=_play, args=(run, its, *args))
        self._process.start()
        its.close()

    def epoch(self) -> Report:
        """Let it run an epoch.

        Raises:
            UserError: If it fails; its own message is on stderr.
        """
        try:
            self._connection.send('go')
            report: Report = self._connection.recv()
        except (EOFError, OSError) as error:
            raise UserError('a training that is measured has ended; see its message above') from error
        return report

    def end(self) -> None:
        """Hang up, and wait for the process."""
        self._connection.close()
        self._process.join()


def _play(run: Callable[..., None], connection: Connection, *args: Any) -> None:
    multiprocessing.set_start_method('fork', force=True)  # of loader processes, as in any other process
    with suppress(HungUpError):
        run(connection, *args)
