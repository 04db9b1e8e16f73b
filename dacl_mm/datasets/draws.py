"""Augmentation draws: never the same twice, unless they are pinned."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from mmengine.dist import get_dist_info
from torch.utils.data import get_worker_info

from .memory import shared


@dataclass(frozen=True)
class Draw:
    """One visit of an image: all that its random choices depend on.

    The samplers of this package hand it out in the place of an index. Two draws
    that differ in any number, neighbouring seeds among them, share nothing.

    Args:
        seed: Seed of the run.
        epoch: Epoch, from 0.
        sample: Index of the image in its data set.
        repeat: How many times the image came before in this epoch.
    """

    seed: int
    epoch: int
    sample: int
    repeat: int = 0

    def _words(self) -> np.ndarray:
        """Return four seeds of 32 bits: for random, numpy, torch's default generator and one of its own."""
        entropy = (self.seed, self.epoch, self.sample, self.repeat)
        return np.random.SeedSequence(entropy).generate_state(4)

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """Seed the global generators of random, numpy and torch (CPU), and restore them afterwards."""
        state = random.getstate(), np.random.get_state(), torch.get_rng_state()
        words = self._words().tolist()
        random.seed(words[0])
        np.random.seed(words[1])
        torch.default_generator.manual_seed(words[2])
        try:
            yield
        finally:
            random.setstate(state[0])
            np.random.set_state(state[1])
            torch.set_rng_state(state[2])

    def generator(self, device: torch.device | str = 'cpu') -> torch.Generator:
        """Return a generator of this draw on a device."""
        return torch.Generator(device).manual_seed(int(self._words()[3]))


class DrawSource:
    """Gives each visit of an image of one data set its :class:`Draw`.

    A draw that the sampler hands out is taken as it is. A plain index is
    completed by the seed and the epoch of :meth:`pin`; before it was called, by
    the seed of the process and the number of visits it has made. Either way no
    two visits share a draw.

    Args:
        length: Number of images.
    """

    def __init__(self, length: int):
        # Pinned or not, seed, epoch, images come again. Shared: loader processes
        # that live on see the epoch change.
        self._told = shared(torch.zeros(4, dtype=torch.int64))
        self._visits = np.zeros(length, np.int32)  # by this process,
        self._since = (0, 0)  # under this seed and epoch

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)  # a copy has memory of its own
        shared(self._told)

    def pin(self, seed: int, epoch: int, repeats: bool = False) -> None:
        """Let the draws of plain indices depend on a seed and an epoch.

        Args:
            seed: Seed of the run.
            epoch: The epoch that follows.
            repeats: Plain indices may bring an image several times in the epoch.
                Each process then counts its own visits, so that draws are the same
                for the same number of processes only.
        """
        self._told[:] = torch.tensor([1, seed, epoch, repeats])

    def __call__(self, index: int | Draw) -> Draw:
        """Return the draw of a visit."""
        if isinstance(index, Draw):
            return index
        pinned, seed, epoch, repeats = self._told.tolist()
        if pinned and not repeats:
            return Draw(seed, epoch, index)
        worker = get_worker_info()
        if not pinned:
            seed = torch.initial_seed() if worker is None else worker.seed
        if self._since != (seed, epoch):
            self._since = (seed, epoch)
            self._visits[:] = 0
        earlier = int(self._visits[index])
        self._visits[index] += 1
        rank, ranks = get_dist_info()
        workers, own = (1, 0) if worker is None else (worker.num_workers, worker.id)
        return Draw(seed, epoch, index, (earlier * ranks + rank) * workers + own)
