"""Augmentation draws that can be repeated."""

import random
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def seeded_draws(*entropy: int):
    """Seed random, numpy and torch from integers, and restore them afterwards."""
    state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    seeds = np.random.SeedSequence(entropy).generate_state(3)
    random.seed(int(seeds[0]))
    np.random.seed(int(seeds[1]))
    torch.default_generator.manual_seed(int(seeds[2]))
    try:
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
        torch.set_rng_state(state[2])


class RepeatedIndex(int):
    """The index of a sample that comes another time in an epoch.

    Args:
        index: The sample.
        repeat: How many times it came before, 1 or more.
    """

    repeat: int

    def __new__(cls, index: int, repeat: int):
        self = super().__new__(cls, index)
        self.repeat = repeat
        return self

    def __reduce__(self):
        return RepeatedIndex, (int(self), self.repeat)
