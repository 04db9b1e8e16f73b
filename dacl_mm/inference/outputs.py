"""Where the predictions of a run go, and what is said of it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from dacl_mm.text import printable

from .pictures import PictureFolder
from .results import Prediction
from .summary import image_lines
from .window import Window
from .writers import RowWriter


class Outputs:
    """Writes, shows and counts predictions; complains on the standard error.

    Args:
        rows: Where rows go.
        pictures: Where pictures go.
        window: Where they are shown.
        quiet: Say nothing but what went wrong.

    Attributes:
        images: Images and frames that have been read.
        faces: Faces in them.
        unreadable: Files that could not be read, or not to their end.
        stopped: Whether nobody looks any more: the window or the pipe is closed.
    """

    def __init__(
        self,
        rows: RowWriter | None = None,
        pictures: PictureFolder | None = None,
        window: Window | None = None,
        quiet: bool = False,
    ) -> None:
        self.images = self.faces = self.unreadable = 0
        self.stopped = False
        self.pictures, self.quiet = pictures, quiet
        self._rows, self._window = rows, window
        self._told = Console(stderr=True, soft_wrap=True, markup=False, highlight=False, emoji=False)

    def __call__(self, prediction: Prediction) -> None:
        """Take the next prediction."""
        if self._rows:
            self._rows(prediction)
        if prediction.error:
            self.unreadable += 1
            self._told.print(f'unreadable: {printable(prediction.error)}')
        else:
            self.images += 1
            self.faces += len(prediction.faces)
        if prediction.time is None and not (self._rows or prediction.error):
            self.say(*image_lines(prediction))
        if self._window and not self._window(prediction):
            self.stopped = True

    @contextmanager
    def progress(self, name: str, total: int | None) -> Iterator[Callable[[], None]]:
        """Show a bar with the time that is left, on a terminal; yields what moves it by one.

        Args:
            name: What is gone through.
            total: How many steps there are, if known.
        """
        columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        # Lines on the standard output tell as much, and may go to the same terminal.
        off = self.quiet or not self._told.is_terminal or not self._rows
        with Progress(
            *columns,
            console=self._told,
            transient=True,
            disable=off,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as bar:
            task = bar.add_task(printable(Path(name).name), total=total)
            yield lambda: bar.advance(task)

    def say(self, *lines: str) -> None:
        """Print lines on the standard output, while somebody reads it."""
        if self.quiet:
            return
        try:
            print(*lines, sep='\n', flush=True)
        except BrokenPipeError:  # as under | head
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self.quiet = True
            self.stopped = not (self._rows or self.pictures or self._window)
