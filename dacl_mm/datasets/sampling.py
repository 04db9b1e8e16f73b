"""Which images an epoch sees, and in which order."""

from collections import Counter
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
import torch
from mmengine.dataset import DefaultSampler
from mmpretrain.registry import DATA_SAMPLERS

from dacl_mm.errors import UserError

from .draws import Draw
from .wrappers import takes_draws


@DATA_SAMPLERS.register_module()
class ShuffleSampler(DefaultSampler):
    """All images in a new order each epoch, divided among the ranks.

    mmengine's ``DefaultSampler`` shuffles by ``seed + epoch``, so that the second
    epoch of seed 0 is the first of seed 1; here neighbouring seeds share no
    order. Where the data set takes them, images come as :class:`Draw`: no two visits
    are augmented alike, a second run repeats them, and loader processes do not
    matter. An epoch that nobody sets follows the one before.

    Args:
        dataset: The training data set.
        seed: Seed; None shares mmengine's.
        round_up: As in mmengine.
    """

    def __init__(self, dataset: Sized, seed: int | None = None, round_up: bool = True):
        super().__init__(dataset, shuffle=True, seed=seed, round_up=round_up)

    def __iter__(self) -> Iterator[int | Draw]:
        word = np.random.SeedSequence([self.seed, self.epoch]).generate_state(1)[0]
        order = self.order(torch.Generator().manual_seed(int(word))).tolist()
        seen: Counter[int] = Counter()
        visits: list[int | Draw] = order
        if takes_draws(self.dataset):
            visits = []
            for i in order:
                visits.append(Draw(self.seed, self.epoch, i, seen[i]))
                seen[i] += 1
        self.epoch += 1
        return iter(visits[self.rank :: self.world_size])

    def order(self, generator: torch.Generator) -> torch.Tensor:
        """Draw the indices of all ranks, (total_size,)."""
        order = torch.randperm(len(self.dataset), generator=generator)
        return order.repeat(-(-self.total_size // len(order)))[: self.total_size]


@DATA_SAMPLERS.register_module()
class BalancedSampler(ShuffleSampler):
    """Draws images with replacement so that classes come equally often.

    The same draws on every rank count, divided among the ranks. An image that
    comes again is augmented anew.

    Args:
        dataset: The training data set, with ``get_gt_labels``.
        power: A class of n images gets weight n ** -power for each: 1 balances
            fully, 0.5 halfway, 0 not at all.
        seed: Seed; None shares mmengine's.
        round_up: As in mmengine.
    """

    def __init__(self, dataset: Any, power: float = 1.0, seed: int | None = None, round_up: bool = True):
        if power < 0:
            raise UserError(f'power must not be negative, got {power}')
        super().__init__(dataset, seed=seed, round_up=round_up)
        labels = torch.as_tensor(np.asarray(dataset.get_gt_labels()))
        self.weights = torch.bincount(labels).double().clamp_min(1).pow(-power)[labels]

    def order(self, generator: torch.Generator) -> torch.Tensor:
        return torch.multinomial(self.weights, self.total_size, replacement=True, generator=generator)
