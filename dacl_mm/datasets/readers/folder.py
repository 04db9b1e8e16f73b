"""One folder per class."""

import os
from collections.abc import Mapping
from pathlib import Path

from mmpretrain.registry import DATASETS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.labels import EXPRESSIONS, PAPER_CLASSES, class_index
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import DatasetError

SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


def read_folders(root: Path, part: Path, folders: Mapping[str, str]) -> SampleTable:
    """List the images of a part's class folders.

    Args:
        root: Root that names are relative to.
        part: Folder that holds the class folders.
        folders: Folder name -> expression.

    Raises:
        DatasetError: If a class folder is missing, or one is not in ``folders``.
    """
    present = {entry.name for entry in os.scandir(part) if entry.is_dir() and not entry.name.startswith('.')}
    unknown, missing = sorted(present - set(folders)), sorted(set(folders) - present)
    if unknown or missing:
        raise DatasetError(
            f'{part} holds other class folders than expected: unknown {unknown}, missing {missing}. '
            f'Expected {sorted(folders)}; FERFolder maps other names by its option `folders`'
        )
    rows = [
        ((part / folder / entry.name).relative_to(root), folders[folder], 0)
        for folder in sorted(folders)
        for entry in sorted(os.scandir(part / folder), key=lambda e: e.name)
        if entry.name.lower().endswith(SUFFIXES) and not entry.name.startswith('.')
    ]
    return SampleTable.from_rows(root, rows)


@DATASETS.register_module()
class FERFolder(FERDataset):
    """Class folders as the DACL authors' repository reads them, or with any names.

    ::

        data_root
        |-- train
        |   |-- 00        neutral
        |   |-- 01        happiness
        |   |-- 02        sadness
        |   |-- 03        surprise
        |   |-- 04        fear
        |   |-- 05        anger
        |   `-- 06        disgust
        `-- valid         (or test) likewise: the test part

    Args:
        folders: Folder name -> expression. Defaults to the layout above.
        **kwargs: Those of :class:`FERDataset`.

    Raises:
        DatasetError: If a part or a class folder is missing, a folder is not
            in ``folders``, or both ``valid`` and ``test`` exist.
    """

    ROOT_VARIABLE = 'FER_FOLDER_ROOT'
    LAYOUTS = {'valid': ['train', 'valid'], 'test': ['train', 'test']}

    def __init__(self, folders: Mapping[str, str] | None = None, **kwargs):
        self.folders = dict(folders or {f'{i:02d}': name for i, name in enumerate(PAPER_CLASSES)})
        class_index(sorted(set(self.folders.values())), EXPRESSIONS)  # names are checked
        super().__init__(**kwargs)

    def read(self, part: str) -> SampleTable:
        _, (train, test) = self.detect_layout()
        return read_folders(self.require_root(), train if part == 'train' else test, self.folders)
