"""The one thread that works with the model."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from .limits import Refusal

Result = TypeVar('Result')


class Worker:
    """Runs jobs one after another, away from the event loop.

    Args:
        waiting: Jobs that may wait; see :attr:`full`.
        seconds: Longest time that anybody waits for an answer.
    """

    def __init__(self, waiting: int, seconds: float):
        self.waiting, self.seconds = waiting, seconds
        self._pool = ThreadPoolExecutor(1, thread_name_prefix='model')
        self._pending: set[Future[Any]] = set()
        self._since: float | None = None

    @property
    def full(self) -> bool:
        """Whether as many jobs wait as may."""
        self._pending = {job for job in self._pending if not job.done()}
        return len(self._pending) > self.waiting  # one of them runs

    @property
    def stuck(self) -> bool:
        """Whether one job has been running for longer than anybody waits."""
        since = self._since
        return since is not None and time.monotonic() - since > self.seconds

    async def run(self, job: Callable[[], Result]) -> Result:
        """Wait for a job's result.

        Raises:
            Refusal: If it does not come in time; a job that has not begun is dropped then.
        """
        future = self._pool.submit(self._timed, job)
        self._pending.add(future)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self.seconds)
        except asyncio.TimeoutError:
            reason = (
                f'no answer within {self.seconds:g} s: the server is busy; try again, or send a smaller image'
            )
            raise Refusal(503, reason, retry=self.seconds) from None

    def _timed(self, job: Callable[[], Result]) -> Result:
        self._since = time.monotonic()
        try:
            return job()
        finally:
            self._since = None

    def close(self) -> None:
        """Drop what waits, and wait for what runs."""
        self._pool.shutdown(cancel_futures=True)
