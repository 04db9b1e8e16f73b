"""How a command ends."""

import os
import sys
from collections.abc import Callable

from dacl_mm.engine.launch import shut_down
from dacl_mm.errors import UserError

USER_ERRORS = (UserError, ValueError, KeyError, OSError)


def run(main: Callable[[], None]) -> None:
    """Run a tool; a user's mistake ends it with one message and status 2.

    ``DACL_TRACEBACK=1`` in the environment shows the traceback instead.
    """
    if os.environ.get('DACL_TRACEBACK') == '1':
        return main()
    try:
        main()
        shut_down()
    except USER_ERRORS as error:
        print(f'error: {_message(error)}\n(DACL_TRACEBACK=1 shows where)', file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _message(error: BaseException) -> str:
    """Return an error's own words, without the traceback that a loader process puts before them."""
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    if text.startswith('Caught ') and ' in DataLoader worker' in text:
        text = text.rsplit(f'{type(error).__name__}: ', 1)[-1].strip()
    return text
