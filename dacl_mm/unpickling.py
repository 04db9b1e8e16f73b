"""Keeping torch from executing what a file contains, whoever asks it to load one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pickle import UnpicklingError

from dacl_mm.errors import UnsafeCheckpointError, UserError

#: torch's own variable: set to 1, files are loaded as upstream loads them, which executes what they contain.
ALLOW = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
#: Its opposite: set to 1, torch reads tensors and plain types alone, even if a caller wants more.
FORBID = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
YES = ('1', 'y', 'yes', 'true')  # what torch takes for a yes


def is_allowed() -> bool:
    """Whether the user has asked for files to be loaded as upstream loads them."""
    return os.environ.get(ALLOW, '').lower() in YES


@contextmanager
def unpickling_forbidden() -> Iterator[None]:
    """Let no ``torch.load`` of this process, and of those it starts meanwhile, execute code.

    Checkpoints by URL need it: torch's hub unpickles what it downloads.

    Raises:
        UnsafeCheckpointError: If something meanwhile loads a file that would.
    """
    before = os.environ.get(FORBID)
    if not is_allowed():
        os.environ[FORBID] = '1'
    try:
        yield
    except UserError:
        raise
    except UnpicklingError as error:
        raise UnsafeCheckpointError(
            'a file holds pickled Python objects, and reading them would execute code from it '
            f'({str(error).splitlines()[0]}). Take one that holds weights alone, or, to read every file as '
            f'plain torch and mmengine do, set {ALLOW}=1 in the environment'
        ) from error
    finally:
        if before is None:
            os.environ.pop(FORBID, None)
        else:
            os.environ[FORBID] = before
