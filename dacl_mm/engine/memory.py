"""Memory of the process."""

import ctypes

# Of glibc's malloc.h.
M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
NEVER = 2**31 - 1


def keep_freed_memory() -> None:
    """Let the process keep what it frees, for its next step to use.

    A training step on a CPU asks for the same gigabytes again and again. By default glibc maps
    each large block anew, and the system clears every page of it at its first touch: a tenth
    of the step. Without glibc nothing is done.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, NEVER)
