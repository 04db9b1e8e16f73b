"""How a command ends."""

import os
import sys
import traceback
import warnings
from collections.abc import Callable
from typing import Any

from mmengine.dist import is_distributed

from dacl_mm.engine.distributed.faults import leave, lost_processes
from dacl_mm.engine.launch import shut_down
from dacl_mm.engine.stop import STOPPED, Interrupted
from dacl_mm.errors import UserError
from dacl_mm.text import printable_lines
from dacl_mm.unpickling import unpickling_forbidden

_SHOW_WARNING = warnings.showwarning


def run(main: Callable[[], None]) -> None:
    """Run a tool: a user's mistake ends it with one message and status 2, a bug with its traceback.

    A training that a signal stopped, and that can be gone on with, ends with status 75; Ctrl-C elsewhere,
    and a second one, with 130.

    ``DACL_TRACEBACK=1`` in the environment shows the traceback of a mistake too.
    """
    together = False
    warnings.showwarning = _show_warning
    try:
        with lost_processes(), unpickling_forbidden():
            main()
            shut_down()
        return
    except UserError as error:
        if os.environ.get('DACL_TRACEBACK') == '1':
            raise
        print(f'error: {printable_lines(_message(error))}\n(DACL_TRACEBACK=1 shows where)', file=sys.stderr)
        leave(2)
    except Interrupted as stop:
        together = stop.together
    except KeyboardInterrupt:
        leave(130)
    except Exception:
        if not is_distributed():
            raise
        traceback.print_exc()
        leave(1)
    # Outside of the handler, whose traceback holds what must be gone before.
    if together:
        shut_down()
    leave(STOPPED)


def program() -> list[str]:
    """Return the program of this process as a person would type it: that of the wheel, or a tool."""
    called = sys.argv[0]
    return called.split() if called.startswith('dacl-mm ') else ['python', called]


def _show_warning(message: Warning | str, category: type[Warning], *args: Any, **kwargs: Any) -> None:
    """Print a warning of this package as a person reads it, those of others as Python does."""
    if category.__module__.startswith('dacl_mm.'):
        print(f'warning: {printable_lines(str(message))}', file=sys.stderr)
    else:
        _SHOW_WARNING(message, category, *args, **kwargs)


def _message(error: UserError) -> str:
    """Return an error's own words, without the traceback that a loader process puts before them."""
    text = str(error)
    if text.startswith('Caught ') and ' in DataLoader worker' in text:
        text = text.rsplit(f'{type(error).__name__}: ', 1)[-1].strip()
    return text
