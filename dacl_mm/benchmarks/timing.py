"""Interleaved timings: two jobs in turn, in one process."""

import time
from collections.abc import Callable

import torch

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
Job = Callable[[], object]


def seconds(job: Job) -> float:
    """Time one call, device work included."""
    start = time.perf_counter()
    job()
    if DEVICE == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def interleave(a: Job, b: Job, rounds: int) -> list[tuple[float, float]]:
    """Time two jobs in turn, the order changing each round; a first round warms up."""
    pairs = []
    for i in range(rounds + 1):
        if i % 2:
            time_b, time_a = seconds(b), seconds(a)
        else:
            time_a, time_b = seconds(a), seconds(b)
        pairs.append((time_a, time_b))
    return pairs[1:]
