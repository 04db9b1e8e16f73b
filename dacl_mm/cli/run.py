"""How a command ends."""

import os
import sys
from collections.abc import Callable

from dacl_mm.engine.launch import shut_down
from dacl_mm.engine.stop import STOPPED, Interrupted
from dacl_mm.errors import UserError


def run(main: Callable[[], None]) -> None:
    """Run a tool: a user's mistake ends it with one message and status 2, a bug with its traceback.

    A training that a signal stopped, and that can be gone on with, ends with status 75; Ctrl-C elsewhere,
    and a second one, with 130.

    ``DACL_TRACEBACK=1`` in the environment shows the traceback of a mistake too.
    """
    together = False
    try:
        main()
        shut_down()
        return
    except UserError as error:
        if os.environ.get('DACL_TRACEBACK') == '1':
            raise
        print(f'error: {_message(error)}\n(DACL_TRACEBACK=1 shows where)', file=sys.stderr)
        sys.exit(2)
    except Interrupted as stop:
        together = stop.together
    except KeyboardInterrupt:
        sys.exit(130)
    # Outside of the handler, whose traceback holds what must be gone before.
    if together:
        shut_down()
    sys.exit(STOPPED)


def program() -> list[str]:
    """Return the program of this process as a person would type it: that of the wheel, or a tool."""
    called = sys.argv[0]
    return called.split() if called.startswith('dacl-mm ') else ['python', called]


def _message(error: UserError) -> str:
    """Return an error's own words, without the traceback that a loader process puts before them."""
    text = str(error)
    if text.startswith('Caught ') and ' in DataLoader worker' in text:
        text = text.rsplit(f'{type(error).__name__}: ', 1)[-1].strip()
    return text
