"""Processes that work only when they are asked to, so that several can take turns."""

import multiprocessing
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any

from dacl_mm.errors import UserError


class HungUpError(Exception):
    """Nothing is asked for any more."""


def receive(connection: Connection) -> Any:
    """Wait for what a player is asked.

    Raises:
        HungUpError: If nothing will come.
    """
    try:
        return connection.recv()
    except EOFError:
        raise HungUpError from None


class Player:
    """A process that answers; a context that ends with it.

    Args:
        run: What it runs: takes its end of a connection, then ``args``, and answers what
            :func:`receive` gives.
        args: Further arguments.
    """

    def __init__(self, run: Callable[..., None], *args: Any):
        context = multiprocessing.get_context('spawn')
        self._connection, its = context.Pipe()
        self._process = context.Process(target=_play, args=(run, its, *args))
        self._process.start()
        its.close()

    def ask(self, *question: Any) -> Any:
        """Ask, and wait for the answer.

        Raises:
            UserError: If the process has failed; its own message is on stderr.
        """
        try:
            self._connection.send(question)
            return self._connection.recv()
        except (EOFError, OSError) as error:
            raise UserError('a process that is measured has ended; see its message above') from error

    def __enter__(self) -> 'Player':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """Hang up, and wait for the process."""
        self._connection.close()
        self._process.join()


def _play(run: Callable[..., None], connection: Connection, *args: Any) -> None:
    multiprocessing.set_start_method('fork', force=True)  # of loader processes, as in any other process
    with suppress(HungUpError):
        run(connection, *args)
