"""Keeping torch from executing what a file contains, whoever asks it to load one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

#: torch's own variable: set to 1, files are loaded as upstream loads them, which executes what they contain.
ALLOW = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'
#: Its opposite: set to 1, torch reads tensors and plain types alone, even if a caller wants more.
FORBID = 'TORCH_FORCE_WEIGHTS_ONLY_LOAD'
YES = ('1', 'y', 'yes', 'true')  # what torch takes for a yes


def is_allowed() -> bool:
    """Whether the user has asked for files to be loaded as upstream loads them."""
    return os.environ.get(ALLOW, '').lower() in YES


def forbid_unpickling() -> None:
    """Let no ``torch.load`` of this process, and of those it starts, execute code.

    For processes of our own. Checkpoints by URL need it: torch's hub unpickles what it downloads.
    """
    if not is_allowed():
        os.environ[FORBID] = '1'


@contextmanager
def unpickling_forbidden() -> Iterator[None]:
    """Do so for a while, in a process that is somebody else's."""
    before = os.environ.get(FORBID)
    forbid_unpickling()
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(FORBID, None)
        else:
            os.environ[FORBID] = before
