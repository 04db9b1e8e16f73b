"""Threads that share a batch among them."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache
from threading import Barrier

import torch


@cache
def single_threads(count: int) -> ThreadPoolExecutor:
    """Return a pool of threads of which each computes torch's operations alone.

    A piece of a batch stays in one core's cache from its bytes to its normalised pixels, and
    no operation waits for the slowest of a team, as torch's own threads do after each.

    Args:
        count: ``torch.get_num_threads()``.
    """
    gate = Barrier(count)
    pool = ThreadPoolExecutor(count, initializer=torch.set_num_threads, initargs=(1,))
    list(pool.map(lambda _: gate.wait(), range(count)))  # has all of them started
    torch.set_num_threads(count)  # threads to come, backward's among them, take the number set last
    return pool
