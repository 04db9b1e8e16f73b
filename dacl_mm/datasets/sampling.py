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

    The images of a step do not depend on the number of ranks either: the order is dealt out one by
    one, and batches of B on R ranks hold what a batch of B R holds on one.

    Args:
        dataset: The training data set.
        seed: Seed; None shares mmengine's.
        rest: What becomes of the last images where they do not go round. 'drop' leaves them out of
            the epoch: with the loader's ``drop_last=True`` it has the very steps of one process.
            'share' deals them to the first ranks: those of one process without ``drop_last``.
            'repeat' fills up with the epoch's first images, as mmengine does.

    Raises:
        UserError: If ``rest`` is none of these.
    """

    def __init__(self, dataset: Sized, seed: int | None = None, rest: str = 'drop'):
        if rest not in ('drop', 'share', 'repeat'):
            raise UserError(f"rest must be 'drop', 'share' or 'repeat', got {rest!r}")
        super().__init__(dataset, shuffle=True, seed=seed, round_up=rest == 'repeat')
        if rest == 'drop':
            self.num_samples = len(dataset) // self.world_size
            self.total_size = self.num_samples * self.world_size

    def __iter__(self) -> Iterator[int | Draw]:
        word = np.random.SeedSequence([self.seed, self.epoch]).generate_state(1)[0]
        once = self.order(torch.Generator().manual_seed(int(word))).tolist()
        order = (once * -(-self.total_size // len(once)))[: self.total_size]
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
        """Draw the indices of an epoch on any number of ranks, (N,)."""
        return torch.randperm(len(self.dataset), generator=generator)


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
        rest: As in :class:`ShuffleSampler`.
    """

    def __init__(self, dataset: Any, power: float = 1.0, seed: int | None = None, rest: str = 'drop'):
        if power < 0:
            raise UserError(f'power must not be negative, got {power}')
        super().__init__(dataset, seed=seed, rest=rest)
        labels = torch.as_tensor(np.asarray(dataset.get_gt_labels()))
        self.weights = torch.bincount(labels).double().clamp_min(1).pow(-power)[labels]

    def order(self, generator: torch.Generator) -> torch.Tensor:
        return torch.multinomial(self.weights, len(self.weights), replacement=True, generator=generator)
