"""Whether files changed."""

import os
from collections.abc import Iterable

import numpy as np

from dacl_mm.datasets.table import SampleTable


def file_states(table: SampleTable, indices: Iterable[int]) -> np.ndarray:
    """Return size and time of change (ns) of images' files, int64, (N, 2); -1 where one is missing."""
    root, states = os.fspath(table.root), []
    for i in indices:
        try:
            status = os.stat(os.path.join(root, table.name(i)))
            states.append((status.st_size, status.st_mtime_ns))
        except OSError:
            states.append((-1, -1))
    return np.array(states, np.int64).reshape(-1, 2)
