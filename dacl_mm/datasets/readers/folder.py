"""Class folders of any origin."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.registry import DATASETS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.labels import EXPRESSIONS, PAPER_CLASSES, class_index
from dacl_mm.datasets.scan.duplicates import duplicate_groups
from dacl_mm.datasets.split import held_out
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import UserError

from .class_folders import other_files, read_folders, subfolders


@DATASETS.register_module()
class FERFolder(FERDataset):
    """Class folders as the DACL authors' repository reads them, or with any names.

    ::

        data_root                 layouts 'valid' and 'test'
        |-- train
        |   |-- 00        neutral
        |   |-- 01        happiness
        |   |-- 02        sadness
        |   |-- 03        surprise
        |   |-- 04        fear
        |   |-- 05        anger
        |   `-- 06        disgust
        `-- valid         (or test) likewise: the test part

        data_root                 layout 'single': no test part; one is held out
        `-- 00 ... 06             (or train/00 ... 06)

    Of the layout 'single' ``test_fraction`` of each class becomes the test part,
    chosen by ``split_seed``; the rest is the training part, of which 'val' takes
    ``val_fraction``. No group of near-duplicates is split.

    Args:
        folders: Folder name -> expression. Defaults to the layout above.
        ignore_folders: Names of folders beside the class folders to pass over.
        test_fraction: Share of each class that is the test part of the layout
            'single', in (0, 1).
        **kwargs: Those of :class:`FERDataset`.

    Raises:
        DatasetError: If a part or a class folder is missing, a folder is not
            in ``folders``, or both ``valid`` and ``test`` exist.
    """

    ROOT_VARIABLE = 'FER_FOLDER_ROOT'
    LAYOUTS: Mapping[str, Sequence[str]] = {
        'valid': ['train', 'valid'],
        'test': ['train', 'test'],
        'single': ['00'],
    }

    def __init__(
        self,
        folders: Mapping[str, str] | None = None,
        ignore_folders: Sequence[str] = (),
        test_fraction: float = 0.2,
        **kwargs: Any,
    ):
        self.folders = dict(folders or {f'{i:02d}': name for i, name in enumerate(PAPER_CLASSES)})
        class_index(sorted(set(self.folders.values())), EXPRESSIONS)  # names are checked
        if not 0 < test_fraction < 1:
            raise UserError(f'test_fraction must lie in (0, 1), got {test_fraction}')
        self.ignore_folders = tuple(ignore_folders)
        self.test_fraction = test_fraction
        self.LAYOUTS = {**self.LAYOUTS, 'single': ['|'.join(self.folders)]}
        super().__init__(**kwargs)

    def detect_layout(self) -> tuple[str, list[Path]]:
        """Return the layout, and its parts' folders; ``train`` alone is 'single'."""
        root = self.require_root()
        beside = set(subfolders(root)) - set(self.ignore_folders)
        if beside == {'train'} and self.layout in (None, 'single'):
            return 'single', [root / 'train']
        layout, paths = super().detect_layout()
        return layout, [root] if layout == 'single' else paths

    def read(self, part: str) -> SampleTable:
        layout, paths = self.detect_layout()
        if layout != 'single':
            return self._list(paths[0 if part == 'train' else 1])
        whole, facts = self._whole
        held = held_out(whole.expression, self.test_fraction, self.split_seed, duplicate_groups(facts))
        print_log(
            f'{paths[0]} has no test part: {held.sum()} of {len(whole)} images are held out as one '
            f'(test_fraction={self.test_fraction}, split_seed={self.split_seed})',
            logger='current',
        )
        return whole.take(held == (part == 'test'))

    @cached_property
    def _whole(self) -> tuple[SampleTable, np.ndarray]:
        """All images of the layout 'single', and one look at them."""
        _, (folder,) = self.detect_layout()
        table = self._list(folder)
        return table, super().facts(table)

    def facts(self, table: SampleTable) -> np.ndarray:
        if self.detect_layout()[0] != 'single':
            return super().facts(table)
        whole, facts = self._whole
        return facts[np.isin(whole.files, table.files)]

    def passed_over(self) -> Mapping[Path, str]:
        layout, paths = self.detect_layout()
        return other_files(paths[:1] if layout == 'single' else paths, self.folders)

    def expressions(self) -> set[str]:
        return set(self.folders.values())

    def _list(self, part: Path) -> SampleTable:
        return read_folders(self.require_root(), part, self.folders, self.ignore_folders)
