"""What all facial-expression data sets share."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import print_log
from mmpretrain.datasets import BaseDataset

from dacl_mm.errors import DatasetError, UnreadableImageError

from .draws import Draw, DrawSource
from .exclude import excluded
from .images import open_image
from .label_noise import LabelNoise
from .labels import EXPRESSIONS, PAPER_CLASSES, class_index
from .layout import find_layout
from .memory import shared
from .options import check_options
from .scan.duplicates import duplicate_groups
from .scan.facts import image_facts
from .split import held_out
from .storage import StorageOption, stored_pixels
from .table import Records, SampleTable


class FERDataset(BaseDataset):
    """Base of the readers: splits, class names, bad images, augmentation draws.

    A reader implements :meth:`read`. Labels are mapped by name, so ``classes``
    may have any order; images of other expressions are left out. No two visits
    of an image are augmented alike; see :mod:`dacl_mm.datasets.draws`.

    Args:
        data_root: Folder that holds the data set.
        split: 'train' and 'val' (a held-out part of the official training
            images), 'trainval' (all of them), or 'test'.
        classes: Class names in the model's order.
        layout: Which of :attr:`LAYOUTS` lies under the root; None detects it.
        val_fraction: Share of each class that 'val' takes, in (0, 1). It never
            splits a group of near-duplicates, and does not depend on ``classes``.
        split_seed: Seed of that choice: the same images on every machine.
        exclude_file: Text file of names, one a line, relative to the root, that
            are left out of every split (after the split is made). FER+'s may be
            those of its layout 'png' under 'csv' as well.
        unreadable: What training does at an image that cannot be read: 'error',
            or 'replace' it by another image of its class and report how many at the
            end of each epoch. Evaluation always stops: it never drops an image.
        storage: Decodes each image once and keeps it: ``dict(where='disk', limit_gb=8)``, the
            arguments of :class:`dacl_mm.datasets.storage.StorageOption`; None reads the
            files each time. The items are the same.
        label_noise: Wrong labels for training: ``dict(kind='symmetric', share=0.2, seed=0)``, the arguments
            of :class:`~dacl_mm.datasets.label_noise.LabelNoise`; None keeps the set's own.
        pipeline: Transforms.
        test_mode: As in mmengine.
        **kwargs: Those of :class:`mmpretrain.datasets.BaseDataset`.

    Raises:
        DatasetError: If the root is missing or holds no such data set.
        UnreadableImageError: If an image of the split cannot be read, unless it is replaced.
        UserError: If an option is out of range.
    """

    METAINFO = dict(classes=PAPER_CLASSES)
    #: Samplers may index it by a :class:`Draw`.
    takes_draws = True
    #: Environment variable that sets ``data_root`` in the configs.
    ROOT_VARIABLE = ''
    #: Layout -> what must exist under the root, one of the alternatives each.
    LAYOUTS: Mapping[str, Sequence[str]] = {}
    #: Published number of images of each class: part -> expression -> count.
    PUBLISHED: Mapping[str, Mapping[str, int]] = {}

    def __init__(
        self,
        data_root: str = '',
        split: str = 'train',
        classes: Sequence[str] | None = None,
        layout: str | None = None,
        val_fraction: float = 0.1,
        split_seed: int = 0,
        exclude_file: str | None = None,
        unreadable: str = 'error',
        storage: Mapping[str, Any] | None = None,
        label_noise: Mapping[str, Any] | None = None,
        pipeline: Sequence[Any] = (),
        test_mode: bool = False,
        **kwargs: Any,
    ):
        check_options(split, val_fraction, unreadable, layout, self.LAYOUTS)
        self.split = split
        self.layout = layout
        self.val_fraction = val_fraction
        self.split_seed = split_seed
        self.exclude_file = exclude_file
        self.unreadable = unreadable
        self.storage = None if storage is None else StorageOption.of(storage)
        self.label_noise = None if label_noise is None else LabelNoise.of(label_noise, split, test_mode)
        self._replaced = torch.zeros(0, dtype=torch.bool)
        super().__init__(
            ann_file='',
            data_root=data_root,
            classes=classes,
            pipeline=pipeline,
            test_mode=test_mode,
            serialize_data=False,  # Records are packed already
            **kwargs,
        )

    def read(self, part: str) -> SampleTable:
        """List the images of the official part 'train' or 'test', in a fixed order.

        Images without an expression are in it, so that splits do not depend on
        what labels are asked for.
        """
        raise NotImplementedError

    def official_parts(self) -> list[tuple[str, Mapping[str, int], SampleTable]]:
        """Return (name, published counts, images) of each official part, the training part first."""
        return [(part, self.PUBLISHED.get(part, {}), self.read(part)) for part in ('train', 'test')]

    def passed_over(self) -> Mapping[Path, str]:
        """Return folder -> what of it is not read, where there are files of other kinds."""
        return {}

    def expressions(self) -> set[str]:
        """Return the expressions that every part should have images of."""
        return set(self.CLASSES)

    def facts(self, table: SampleTable) -> np.ndarray:
        """Return what a look at every image of a part tells: structured array FACTS, (N,)."""
        return image_facts(table)

    def load_data_list(self) -> Sequence[dict[str, Any]]:
        """Return the records of the split.

        Raises:
            UnreadableImageError: If one of its images cannot be read, unless these are replaced.
        """
        index = class_index(self.CLASSES)
        part = 'test' if self.split == 'test' else 'train'
        table = self.read(part)
        code = np.array([*(index.get(name, -1) for name in EXPRESSIONS), -1])  # the last for NO_EXPRESSION
        label = code[table.expression]
        chosen = label >= 0
        facts = self.facts(table)
        if self.split in ('train', 'val'):
            strata = table.expression if table.strata is None else table.strata
            held = held_out(strata, self.val_fraction, self.split_seed, duplicate_groups(facts))
            chosen &= held == (self.split == 'val')
        if self.exclude_file is not None:
            chosen &= ~excluded(
                self.exclude_file, table, lambda: [part for *_, part in self.official_parts()], self.where
            )
        for folder, message in self.passed_over().items():
            print_log(f'{folder}: {message}', logger='current', level=30)
        counts = np.bincount(label[chosen], minlength=len(self.CLASSES))
        empty = ', '.join(name for name, count in zip(self.CLASSES, counts) if not count)
        if not chosen.any():
            raise DatasetError(f'no image of {empty} in split {self.split!r} of {self.where}')
        if empty:
            print_log(
                f'no image of {empty} in split {self.split!r} of {self.where}', logger='current', level=30
            )
        if self.test_mode or self.unreadable == 'error':
            for i in np.flatnonzero(chosen & (facts['error'] != b'')).tolist():
                open_image(table.path(i))  # says what is wrong with it, now rather than after an epoch
        columns = [EXPRESSIONS.index(name) for name in self.CLASSES]
        if self.storage is not None:  # of the whole part: the other splits share it
            table = replace(table, stored=stored_pixels(table, facts['size'], part, self.storage))
        records = Records(table.take(chosen), label[chosen], columns)
        return records if self.label_noise is None else records.with_noise(self.label_noise)

    def full_init(self) -> None:
        """Read the annotations."""
        if not self._fully_initialized:
            super().full_init()
            self._start()

    def _get_unserialized_subset(self, indices: Sequence[int] | int) -> Sequence[dict[str, Any]]:
        """As in mmengine, but records stay a table: no list of dicts that hold pixels."""
        if isinstance(self.data_list, Records):
            return self.data_list.subset(indices)
        subset: list[dict[str, Any]] = super()._get_unserialized_subset(indices)
        return subset

    def get_subset_(self, indices: Sequence[int] | int) -> None:
        """Keep a part of the images, in place."""
        super().get_subset_(indices)
        self._start()

    def get_subset(self, indices: Sequence[int] | int) -> 'FERDataset':
        """Return a data set of a part of the images, with draws of its own."""
        subset: FERDataset = super().get_subset(indices)
        subset._start()
        return subset

    def _copy_without_annotation(self, memo: dict[int, Any] | None = None) -> 'FERDataset':
        """As in mmengine, whose default memo lives on and gives one subset the parts of another."""
        copied: FERDataset = super()._copy_without_annotation({} if memo is None else memo)
        return copied

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)  # a copy has memory of its own
        shared(self._replaced)

    def _start(self) -> None:
        """Set up what loader processes share: the draws, and what could not be read."""
        self._draws = DrawSource(len(self))
        self._replaced = shared(torch.zeros(len(self), dtype=torch.bool))

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return a record."""
        info = dict(self.data_list[idx])
        info['sample_idx'] = idx if idx >= 0 else len(self) + idx
        return info

    def get_gt_labels(self) -> np.ndarray:
        """Return all class indices, (N,)."""
        if isinstance(self.data_list, Records):
            return self.data_list.label
        return np.asarray(super().get_gt_labels())

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

    def detect_layout(self) -> tuple[str, list[Path]]:
        """Return the layout and the paths of what marks it.

        Raises:
            DatasetError: If none or several of :attr:`LAYOUTS` lie under the root.
        """
        owner = f'{type(self).__name__}, {self.where}'
        return find_layout(self.require_root(), self.LAYOUTS, self.layout, owner)

    def pin_draws(self, seed: int, epoch: int, repeats: bool = False) -> None:
        """Let the draws depend on seed and epoch, so that they can be repeated: :meth:`DrawSource.pin`."""
        self.full_init()
        self._draws.pin(seed, epoch, repeats)

    def replaced_images(self) -> list[str]:
        """Return the unreadable images replaced since the last call."""
        index = self._replaced.nonzero().flatten().tolist()
        self._replaced.zero_()
        return [self.get_data_info(i)['img_path'] for i in index]

    def prepare_data(self, idx: int | Draw) -> Any:
        """Run the pipeline, in training under the visit's own :class:`Draw`."""
        if not isinstance(idx, Draw):
            idx = int(idx) if idx >= 0 else len(self) + int(idx)
        if self.test_mode:
            return super().prepare_data(idx.sample if isinstance(idx, Draw) else idx)
        draw = self._draws(idx)
        # Seeding three generators takes longer than reading an image that is decoded already.
        random = any(getattr(transform, 'random', True) for transform in self.pipeline.transforms)
        try:
            with draw.seeded() if random else nullcontext():
                return self._augmented(draw.sample, draw)
        except UnreadableImageError:
            if self.unreadable == 'error':
                raise
            with draw.seeded():
                return self._replacement(draw)

    def _augmented(self, sample: int, draw: Draw) -> Any:
        """Run the pipeline on a record that names the draw in four numbers, ``draw``."""
        record = self.get_data_info(sample)
        record['draw'] = (draw.seed, draw.epoch, draw.sample, draw.repeat)
        return self.pipeline(record)

    def _replacement(self, draw: Draw) -> Any:
        """Return another image of the sample's class, under the draw of this one."""
        sample = draw.sample
        self._replaced[sample] = True
        labels = self.get_gt_labels()
        others = np.flatnonzero(labels == labels[sample])
        for other in np.random.permutation(others[others != sample]).tolist():
            try:
                return self._augmented(other, draw)
            except UnreadableImageError:
                self._replaced[other] = True
        raise DatasetError(f'no readable image of class {self.CLASSES[labels[sample]]} in {self.where}')

    def extra_repr(self) -> list[str]:
        return [f'Root: \t{self.data_root}', f'Split: \t{self.split}']
