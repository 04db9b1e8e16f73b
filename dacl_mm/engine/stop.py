"""Signals that ask a training to stop: SIGTERM, of a scheduler, and SIGINT, of Ctrl-C."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

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


class Shielded:
    """A ``worker_init_fn`` that leaves the signals of a whole process group to the training process.

    A batch scheduler signals all processes of a job, a terminal all in the foreground: loader processes
    that ended by that would take the running step with them.

    Args:
        inner: The loader's own function, or None.
    """

    def __init__(self, inner: Any):
        self.inner = inner

    def __call__(self, worker: int) -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        if hasattr(signal, 'sigwaitinfo'):  # not on macOS
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
            threading.Thread(target=_end_with_parent_alone, args=(os.getppid(),), daemon=True).start()
        if self.inner is not None:
            self.inner(worker)


def _end_with_parent_alone(parent: int) -> None:
    while True:
        if signal.sigwaitinfo({signal.SIGTERM}).si_pid == parent:  # multiprocessing's terminate()
            os._exit(0)
