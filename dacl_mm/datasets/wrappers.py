"""Data sets around data sets: which repeat images, and repetition that is augmented anew."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from mmengine.dataset import BaseDataset, ClassBalancedDataset, ConcatDataset, RepeatDataset
from mmpretrain.datasets import KFoldDataset
from mmpretrain.registry import DATASETS
from torch.utils.data import Subset

from .draws import Draw


def leaf_datasets(dataset: Any) -> Iterator[BaseDataset]:
    """Yield the data sets below wrappers such as ConcatDataset."""
    if hasattr(dataset, 'datasets'):
        for child in dataset.datasets:
            yield from leaf_datasets(child)
    elif hasattr(dataset, 'dataset'):
        yield from leaf_datasets(dataset.dataset)
    else:
        yield dataset


def takes_draws(dataset: object) -> bool:
    """Return whether a data set may be indexed by a :class:`Draw`."""
    return bool(getattr(dataset, 'takes_draws', False))


def may_repeat(dataset: object) -> bool:
    """Return whether two indices of a data set may be one image; True where it is not known."""
    if isinstance(dataset, ConcatDataset):
        leaves = [id(leaf) for leaf in leaf_datasets(dataset)]
        return len(set(leaves)) < len(leaves) or any(map(may_repeat, dataset.datasets))
    if isinstance(dataset, Subset):
        return len(set(dataset.indices)) < len(dataset.indices) or may_repeat(dataset.dataset)
    if isinstance(dataset, KFoldDataset):
        return may_repeat(dataset.dataset)
    return not isinstance(dataset, BaseDataset)


class OneInside:
    """What a wrapper hands on from the one data set inside it, ``dataset``."""

    dataset: Any

    @property
    def takes_draws(self) -> bool:
        """Whether the wrapped data set does."""
        return takes_draws(self.dataset)

    @property
    def CLASSES(self) -> Sequence[str]:
        """Class names."""
        return tuple(self.dataset.CLASSES)


@DATASETS.register_module()
class FERRepeat(OneInside, RepeatDataset):
    """mmengine's ``RepeatDataset`` whose repetitions are told apart whatever the loader processes.

    Args:
        dataset: Config of the wrapped data set.
        times: How often an epoch sees each image.
        **kwargs: Those of :class:`mmengine.dataset.RepeatDataset`.
    """

    def get_gt_labels(self) -> np.ndarray:
        """Return the class indices after repetition."""
        return np.tile(self.dataset.get_gt_labels(), self.times)

    def __getitem__(self, idx: int | Draw) -> Any:
        if not isinstance(idx, Draw):
            return super().__getitem__(idx)
        again, sample = divmod(idx.sample, len(self.dataset))
        return self.dataset[replace(idx, sample=sample, repeat=idx.repeat * self.times + again)]


@DATASETS.register_module()
class FERClassBalanced(OneInside, ClassBalancedDataset):
    """mmengine's class-balanced wrapper, with the class names that MMPretrain's checks ask for.

    Args:
        dataset: Config of the wrapped data set.
        oversample_thr: Classes rarer than this share are repeated.
        **kwargs: Those of :class:`mmengine.dataset.ClassBalancedDataset`.
    """

    def full_init(self) -> None:
        """Choose the repetitions, and number them."""
        super().full_init()
        seen: Counter[int] = Counter()
        self._again = []
        for sample in self.repeat_indices:
            self._again.append(seen[sample])
            seen[sample] += 1
        self._most = max(seen.values(), default=1)

    def get_gt_labels(self) -> np.ndarray:
        """Return the class indices after repetition."""
        return np.asarray(self.dataset.get_gt_labels())[self.repeat_indices]

    def __getitem__(self, idx: int | Draw) -> Any:
        if not isinstance(idx, Draw):
            return super().__getitem__(idx)
        sample, again = self.repeat_indices[idx.sample], self._again[idx.sample]
        return self.dataset[replace(idx, sample=sample, repeat=idx.repeat * self._most + again)]
