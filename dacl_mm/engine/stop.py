"""Signals that ask a training to stop: SIGTERM, of a scheduler, and SIGINT, of Ctrl-C."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mmengine.dist import is_main_process

#: Exit status of a training that was asked to stop and can be gone on with: sysexits.h's EX_TEMPFAIL.
STOPPED = 75
#: A launcher hands on the Ctrl-C that its processes got from the terminal too: no second one.
ECHO = 1.0  # seconds


class Interrupted(KeyboardInterrupt):
    """The training has stopped, as it was asked to.

    Args:
        text: What has been kept.
        together: All processes of the training have stopped at the same step.
    """

    def __init__(self, text: str, together: bool = False):
        super().__init__(text)
        self.together = together


class StopRequest:
    """Whether this process has been asked to stop.

    Attributes:
        heeded: Somebody asks :meth:`made` after each step. Otherwise a signal ends the work where it is.
    """

    def __init__(self) -> None:
        self.heeded = False
        self._when: float | None = None

    def made(self) -> bool:
        """Return whether a signal has come that is yet to be answered."""
        return self._when is not None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer SIGTERM and SIGINT, from the main thread.

        Raises:
            Interrupted: Where a signal comes while nobody heeds it.
            KeyboardInterrupt: At a second Ctrl-C.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.signal(number, self._receive) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            self.heeded, self._when = False, None
            for number, handler in before.items():
                signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        now, name = time.monotonic(), signal.Signals(number).name
        if self._when is None and not self.heeded:
            raise Interrupted(f'stopped by {name} outside of the training steps')
        if self._when is None:
            self._when = now
            if is_main_process():  # print could be interrupted in a print
                text = f'{name}: saving after this step, then stopping (a second Ctrl-C stops at once)\n'
                os.write(2, text.encode())
        elif number == signal.SIGINT and now - self._when > ECHO:
            raise KeyboardInterrupt


#: Signals are the process's, and so is this.
STOP = StopRequest()
