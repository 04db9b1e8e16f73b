"""Which images an epoch sees, and in which order."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import torch
from mmengine.dataset import ClassBalancedDataset, DefaultSampler
from mmpretrain.registry import DATA_SAMPLERS, DATASETS

from dacl_mm.errors import UserError

from .draws import RepeatedIndex


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """mmengine's sampler, with orders that no other seed shares.

    mmengine draws the order of an epoch from seed + epoch: seed 1 starts with what seed 0
    has in its second epoch, and runs of neighbouring seeds are not independent. Here the
    seed is first spread over 63 bits, so that seed + epoch of two seeds never meet.

    Args:
        dataset: The data set.
        shuffle: Whether to shuffle.
        seed: Seed; None shares mmengine's.
        round_up: As in mmengine.
    """

    def __init__(self, dataset, shuffle: bool = True, seed: int | None = None, round_up: bool = True):
        super().__init__(dataset, shuffle=shuffle, seed=seed, round_up=round_up)
        spread = np.random.SeedSequence(self.seed).generate_state(1, np.uint64)[0]
        self.seed: int = int(spread) >> 1


@DATA_SAMPLERS.register_module()
class BalancedSampler(SeededSampler):
    """Draws images with replacement so that classes come equally often.

    The same draws on every rank count, divided among the ranks. A sample that
    comes again is augmented anew (:class:`RepeatedIndex`).

    Args:
        dataset: The training data set, with ``get_gt_labels``.
        power: A class of n images gets weight n ** -power for each: 1 balances
            fully, 0.5 halfway, 0 not at all.
        seed: Seed; None shares mmengine's.
        round_up: As in mmengine.
    """

    def __init__(self, dataset, power: float = 1.0, seed: int | None = None, round_up: bool = True):
        if power < 0:
            raise UserError(f'power must not be negative, got {power}')
        super().__init__(dataset, shuffle=True, seed=seed, round_up=round_up)
        labels = torch.as_tensor(np.asarray(dataset.get_gt_labels()))
        self.weights = torch.bincount(labels).double().clamp_min(1).pow(-power)[labels]

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self.seed + self.epoch)
        drawn = torch.multinomial(self.weights, self.total_size, replacement=True, generator=generator)
        seen: Counter[int] = Counter()
        indices = []
        for i in drawn.tolist():
            indices.append(RepeatedIndex(i, seen[i]) if seen[i] else i)
            seen[i] += 1
        return iter(indices[self.rank : self.total_size : self.world_size])


@DATASETS.register_module()
class FERClassBalanced(ClassBalancedDataset):
    """mmengine's class-balanced wrapper, with the class names that MMPretrain's checks ask for.

    Args:
        dataset: Config of the wrapped data set.
        oversample_thr: Classes rarer than this share are repeated.
        **kwargs: Those of :class:`mmengine.dataset.ClassBalancedDataset`.
    """

    @property
    def CLASSES(self):
        """Class names."""
        return self.dataset.CLASSES

    def get_gt_labels(self) -> np.ndarray:
        """Return the class indices after repetition."""
        return np.asarray(self.dataset.get_gt_labels())[self.repeat_indices]
