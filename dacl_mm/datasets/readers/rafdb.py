"""RAF-DB, basic expressions, as distributed."""

import os
from pathlib import Path
from typing import Any

from mmpretrain.registry import DATASETS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import DatasetError, UserError

from .rows import NameCheck, read_rows

LABELS = {
    '1': 'surprise',
    '2': 'fear',
    '3': 'disgust',
    '4': 'happiness',
    '5': 'sadness',
    '6': 'anger',
    '7': 'neutral',
}


@DATASETS.register_module()
class RAFDB(FERDataset):
    """RAF-DB (Li et al., CVPR 2017), seven basic expressions.

    ::

        data_root                                  layout 'official'
        `-- basic                                  (or data_root is this folder)
            |-- EmoLabel/list_patition_label.txt   lines 'train_00001.jpg 5'
            `-- Image
                |-- aligned/train_00001_aligned.jpg   100 x 100
                `-- original/train_00001.jpg

        data_root                                  layout 'mirror'
        |-- train_labels.csv  test_labels.csv      image,label
        `-- DATASET/{train,test}/{1..7}/train_00001_aligned.jpg

    Official parts: 12,271 training and 3,068 test images.

    Args:
        images: 'aligned' or 'original'; the mirror has aligned ones only.
        **kwargs: Those of :class:`FERDataset`.

    Raises:
        DatasetError: If the list or an image it names is missing, or a row is
            malformed or doubled; names the row.
    """

    ROOT_VARIABLE = 'RAFDB_ROOT'
    LAYOUTS = {
        'official': [
            'basic/EmoLabel/list_patition_label.txt|EmoLabel/list_patition_label.txt',
            'basic/Image|Image',
        ],
        'mirror': ['train_labels.csv', 'test_labels.csv', 'DATASET'],
    }
    PUBLISHED = {
        'train': dict(zip(LABELS.values(), (1290, 281, 717, 4772, 1982, 705, 2524))),
        'test': dict(zip(LABELS.values(), (329, 74, 160, 1185, 478, 162, 680))),
    }

    def __init__(self, images: str = 'aligned', **kwargs: Any):
        if images not in ('aligned', 'original'):
            raise UserError(f"images must be 'aligned' or 'original', got {images!r}")
        self.images = images
        super().__init__(**kwargs)

    def read(self, part: str) -> SampleTable:
        layout, paths = self.detect_layout()
        if layout == 'official':
            return self._official(part, *paths)
        return self._mirror(part, paths[0].with_name(f'{part}_labels.csv'), paths[2])

    def _official(self, part: str, table: Path, images: Path) -> SampleTable:
        root, folder = self.require_root(), images / self.images
        if not folder.is_dir():
            raise DatasetError(f'RAFDB: {folder} is missing; the option images chooses aligned or original')
        present = {entry.name for entry in os.scandir(folder)}
        once, rows = NameCheck(table), []
        for row, line in read_rows(table):
            name, label = check(table, row, ' '.join(line).split())
            once(name, row)
            if name.startswith(part):
                file = name if self.images == 'original' else f'{Path(name).stem}_aligned.jpg'
                if file not in present:
                    raise DatasetError(f'{table}, row {row}: {folder / file} is missing')
                rows.append(((folder / file).relative_to(root), label, row))
        return SampleTable.from_rows(root, rows, source=str(table))

    def _mirror(self, part: str, table: Path, folder: Path) -> SampleTable:
        if self.images == 'original':
            raise DatasetError(f"RAFDB: {self.where} is the mirror, which has images='aligned' only")
        root, once, rows = self.require_root(), NameCheck(table), []
        for row, fields in read_rows(table, ('image', 'label')):
            name, label = check(table, row, [field.strip() for field in fields])
            path = folder / part / fields[1].strip() / once(name, row)
            if not path.is_file():
                raise DatasetError(f'{table}, row {row}: {path} is missing')
            rows.append((path.relative_to(root), label, row))
        return SampleTable.from_rows(root, rows, source=str(table))


def check(table: Path, row: int, fields: list[str]) -> tuple[str, str]:
    """Return the image's name and expression.

    Raises:
        DatasetError: If the row is none of RAF-DB's.
    """
    if len(fields) != 2 or fields[1] not in LABELS or not fields[0].startswith(('train_', 'test_')):
        raise DatasetError(
            f'{table}, row {row}: expected an image train_NNNNN.jpg or test_NNNN.jpg and a label 1 to 7, '
            f'got {" ".join(fields)!r}'
        )
    return fields[0], LABELS[fields[1]]
