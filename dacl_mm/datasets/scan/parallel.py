"""Work on all images of a data set, in processes."""

import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context, parent_process

import numpy as np
from rich.progress import track

from dacl_mm.processes import end_with

CHUNK = 128
SERIAL = 512  # below, processes cost more than they save

_WORK: Callable[[range], np.ndarray]


def over_chunks(work: Callable[[range], np.ndarray], count: int, label: str) -> list[np.ndarray]:
    """Apply a function to runs of indices in forked processes, which need not copy what it holds.

    Args:
        work: Takes consecutive indices.
        count: The indices are those below it.
        label: Title of the progress bar.

    Returns:
        What ``work`` returned of each run, in their order.
    """
    global _WORK
    chunks = [range(i, min(i + CHUNK, count)) for i in range(0, count, CHUNK)]
    workers = os.cpu_count() or 1
    if count <= SERIAL or workers == 1 or parent_process() is not None:
        return [work(chunk) for chunk in chunks]
    _WORK = work  # forked processes inherit it
    try:
        with ProcessPoolExecutor(workers, get_context('fork'), end_with, (os.getpid(),)) as pool:
            return list(track(pool.map(_call, chunks), label, len(chunks)))
    finally:
        del _WORK


def _call(chunk: range) -> np.ndarray:
    return _WORK(chunk)
