"""How a command ends."""

import os
import sys
from collections.abc import Callable

from dacl_mm.engine.launch import shut_down
from dacl_mm.errors import UserError
from dacl_mm.text import printable_lines
from dacl_mm.unpickling import unpickling_forbidden


def run(main: Callable[[], None]) -> None:
    """Run a tool: a user's mistake ends it with one message and status 2, a bug with its traceback.

    ``DACL_TRACEBACK=1`` in the environment shows the traceback of a mistake too.
    """
    try:
        with unpickling_forbidden():
            main()
        shut_down()
    except UserError as error:
        if os.environ.get('DACL_TRACEBACK') == '1':
            raise
        print(f'error: {printable_lines(_message(error))}\n(DACL_TRACEBACK=1 shows where)', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


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
