"""Interleaved measurements: jobs in turn, so that a noisy machine disturbs them alike."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

import torch

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
Job = Callable[[], object]
T = TypeVar('T')


def seconds(job: Job) -> float:
    """Time one call, device work included."""
    start = time.perf_counter()
    job()
    if DEVICE == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def mean_seconds(job: Job, calls: int) -> float:
    """Time some calls of what is too short to be timed by itself; returns the mean."""
    return seconds(lambda: [job() for _ in range(calls)]) / calls


def interleave(jobs: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """Call measurements in turn, the order reversed in every other round; a first round warms up.

    Args:
        jobs: Name -> what measures, and returns the measurement.
        rounds: Rounds after the warm-up.

    Returns:
        Name -> one measurement a round.
    """
    found: dict[str, list[T]] = {name: [] for name in jobs}
    for i in range(rounds + 1):
        for name in reversed(list(jobs)) if i % 2 else jobs:
            measured = jobs[name]()
            if i:
                found[name].append(measured)
    return found


def interleave_seconds(jobs: Mapping[str, Job], rounds: int) -> dict[str, list[float]]:
    """Time jobs in turn, as :func:`interleave` does."""
    return interleave({name: partial(seconds, job) for name, job in jobs.items()}, rounds)
