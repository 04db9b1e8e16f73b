"""What all facial-expression data sets share."""

import random
from collections.abc import Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from mmpretrain.datasets import BaseDataset

from .labels import PAPER_CLASSES, class_index
from .split import held_out

SPLITS = ('train', 'val', 'trainval', 'test')


class Sample(NamedTuple):
    """One labelled image: its path and the name of its expression."""

    path: Path
    expression: str


class DatasetError(ValueError):
    """A data set that is missing or not as its owners distribute it."""


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


class FERDataset(BaseDataset):
    """Base of the readers: splits, class names and repeatable augmentation.

    A reader implements :meth:`read`. Labels are mapped by name, so ``classes``
    may have any order; images of other expressions are left out.

    Args:
        data_root: Folder that holds the data set.
        split: 'train' and 'val' (a held-out part of the official training
            images), 'trainval' (all of them), or 'test'.
        classes: Class names in the model's order.
        val_fraction: Share of each class that 'val' takes, in (0, 1).
        split_seed: Seed of that choice: the same images on every machine.
        pipeline: Transforms.
        test_mode: As in mmengine.
        **kwargs: Those of :class:`mmpretrain.datasets.BaseDataset`.

    Raises:
        DatasetError: If the root is missing or holds no such data set.
        ValueError: If an option is out of range.
    """

    METAINFO = dict(classes=PAPER_CLASSES)
    #: Environment variable that sets ``data_root`` in the configs.
    ROOT_VARIABLE = ''

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        classes: Sequence[str] | None = None,
        val_fraction: float = 0.1,
        split_seed: int = 0,
        pipeline: Sequence = (),
        test_mode: bool = False,
        **kwargs,
    ):
        if split not in SPLITS:
            raise ValueError(f'split must be one of {", ".join(SPLITS)}, got {split!r}')
        if not 0 < val_fraction < 1:
            raise ValueError(f'val_fraction must lie in (0, 1), got {val_fraction}')
        self.split = split
        self.val_fraction = val_fraction
        self.split_seed = split_seed
        # Shared memory: workers that live on see the epoch change.
        self._draw = torch.zeros(2, dtype=torch.int64).share_memory_()
        super().__init__(
            ann_file='',
            data_root=data_root,
            classes=classes,
            pipeline=pipeline,
            test_mode=test_mode,
            **kwargs,
        )

    def read(self, part: str) -> list[Sample]:
        """List the samples of the official part 'train' or 'test', in a fixed order."""
        raise NotImplementedError

    def load_data_list(self) -> list[dict]:
        """Return the records of the split: ``img_path`` and ``gt_label``."""
        index = class_index(self.CLASSES)
        samples = self.read('test' if self.split == 'test' else 'train')
        samples = [s for s in samples if s.expression in index]
        if self.split in ('train', 'val'):
            chosen = held_out([s.expression for s in samples], self.val_fraction, self.split_seed)
            samples = [s for s, held in zip(samples, chosen) if held == (self.split == 'val')]
        if not samples:
            names = ', '.join(self.CLASSES)
            raise DatasetError(f'no image of {names} in split {self.split!r} of {self.where}')
        return [dict(img_path=str(s.path), gt_label=index[s.expression]) for s in samples]

    @property
    def where(self) -> str:
        """The root, and how to change it, for messages."""
        hint = f', or {self.ROOT_VARIABLE} in the environment' if self.ROOT_VARIABLE else ''
        return f'{self.data_root!r} (set data_root in the config{hint})'

    def require_root(self) -> Path:
        """Return the root.

        Raises:
            DatasetError: If it is no folder; names the option that sets it.
        """
        root = Path(self.data_root).expanduser()
        if not self.data_root or not root.is_dir():
            raise DatasetError(f'{type(self).__name__}: there is no folder {self.where}')
        return root

    def set_draw(self, seed: int, epoch: int) -> None:
        """Set what the augmentation draws of the next epoch depend on, beside the sample."""
        self._draw[0], self._draw[1] = seed, epoch

    def prepare_data(self, idx: int):
        """Run the pipeline with draws that depend on (seed, epoch, sample) alone."""
        if self.test_mode:
            return super().prepare_data(idx)
        seed, epoch = self._draw.tolist()
        sample = idx if idx >= 0 else len(self) + idx
        with seeded_draws(seed, epoch, sample):
            return super().prepare_data(idx)

    def extra_repr(self) -> list[str]:
        return [f'Root: \t{self.data_root}', f'Split: \t{self.split}']
