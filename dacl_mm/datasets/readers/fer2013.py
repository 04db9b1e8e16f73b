"""FER2013 as distributed."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmpretrain.registry import DATASETS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.memory import shared
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import DatasetError, UserError

from .class_folders import other_files, read_folders
from .rows import read_rows

LABELS = ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral')
FOLDERS = {
    'angry': 'anger',
    'disgust': 'disgust',
    'fear': 'fear',
    'happy': 'happiness',
    'sad': 'sadness',
    'surprise': 'surprise',
    'neutral': 'neutral',
}
USAGES = ('Training', 'PublicTest', 'PrivateTest')
SIDE = 48


def read_csv(path: Path) -> tuple[SampleTable, np.ndarray]:
    """Read ``fer2013.csv`` or ``icml_face_data.csv``, whose header differs in order and spaces.

    Returns:
        The table (with pixels), and the index of each image's usage, (N,).

    Raises:
        DatasetError: If a row is malformed; names it.
    """
    status = path.stat()
    return _read_csv(path, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=1)  # the three loaders of a run read it once
def _read_csv(path: Path, size: int, mtime: int) -> tuple[SampleTable, np.ndarray]:
    rows, usages, faces = [], [], []
    for row, (emotion, pixels, usage) in read_rows(path, ('emotion', 'pixels', 'Usage')):
        where = f'{path}, row {row}'
        if emotion.strip() not in tuple('0123456'):
            raise DatasetError(f'{where}: emotion {emotion!r} is outside 0 to 6; correct or delete the row')
        if usage.strip() not in USAGES:
            raise DatasetError(f'{where}: Usage {usage!r} is none of {", ".join(USAGES)}')
        try:
            face = np.array(pixels.split(), np.int64)
        except (ValueError, OverflowError) as error:
            raise DatasetError(f'{where}: pixels are not all numbers ({error}); restore the row') from error
        if len(face) != SIDE * SIDE or face.min() < 0 or face.max() > 255:
            raise DatasetError(
                f'{where}: {len(face)} pixels from {face.min(initial=0)} to {face.max(initial=0)}; expected '
                f'{SIDE * SIDE} from 0 to 255. Restore the row or delete it'
            )
        rows.append((f'{path.name}#{row}', LABELS[int(emotion)], row))
        usages.append(USAGES.index(usage.strip()))
        faces.append(face.astype(np.uint8))
    if not rows:
        raise DatasetError(f'{path} has no rows')
    stored = shared(torch.from_numpy(np.stack(faces).reshape(-1, SIDE, SIDE)))
    table = SampleTable.from_rows(path.parent, rows, pixels=stored, source=str(path))
    return table, np.array(usages)


@DATASETS.register_module()
class FER2013(FERDataset):
    """FER2013 (Goodfellow et al., ICONIP 2013), 48 x 48 grey, seven expressions.

    ::

        data_root/fer2013.csv            layout 'csv': emotion,pixels,Usage
        data_root/icml_face_data.csv     layout 'icml': emotion, Usage, pixels
        data_root/{train,test}/{angry,disgust,fear,happy,neutral,sad,surprise}/  layout 'folders'

    Parts of the CSV files: 28,709 Training, 3,589 PublicTest and 3,589
    PrivateTest images. Pixels are kept packed in memory that workers share; no
    image files are written. 279 PublicTest and 288 PrivateTest images are
    pixel-identical to training images: see ``tools/verify_dataset.py``.

    Args:
        test_part: Usage that 'test' reads: 'PrivateTest' or 'PublicTest'. The
            other one is not used.
        **kwargs: Those of :class:`FERDataset`.

    Raises:
        DatasetError: If a row is malformed, or the test part is absent.
    """

    ROOT_VARIABLE = 'FER2013_ROOT'
    LAYOUTS = {
        'csv': ['fer2013.csv'],
        'icml': ['icml_face_data.csv'],
        'folders': ['train/angry', 'test/angry'],
    }
    PUBLISHED = {
        'Training': dict(zip(LABELS, (3995, 436, 4097, 7215, 4830, 3171, 4965))),
        'PublicTest': dict(zip(LABELS, (467, 56, 496, 895, 653, 415, 607))),
        'PrivateTest': dict(zip(LABELS, (491, 55, 528, 879, 594, 416, 626))),
    }

    def __init__(self, test_part: str = 'PrivateTest', **kwargs: Any):
        if test_part not in USAGES[1:]:
            raise UserError(f'test_part must be one of {", ".join(USAGES[1:])}, got {test_part!r}')
        self.test_part = test_part
        super().__init__(**kwargs)

    def read(self, part: str) -> SampleTable:
        layout, (path, *_) = self.detect_layout()
        if layout == 'folders':
            return read_folders(self.require_root(), path.parent.parent / part, FOLDERS)
        return self.read_usage('Training' if part == 'train' else self.test_part)

    def passed_over(self) -> Mapping[Path, str]:
        layout, (path, *_) = self.detect_layout()
        if layout != 'folders':
            return {}
        return other_files([path.parent.parent / part for part in ('train', 'test')], FOLDERS)

    def read_usage(self, usage: str) -> SampleTable:
        """Read the rows of one of USAGES.

        Raises:
            DatasetError: If there are none.
        """
        _, (path, *_) = self.detect_layout()
        return take_usage(usage, path, *read_csv(path))

    def usages(self) -> list[str]:
        """Return which of USAGES the set holds."""
        _, paths = self.detect_layout()
        _, usage = read_csv(paths[-1])
        return [name for i, name in enumerate(USAGES) if (usage == i).any()]

    def official_parts(self) -> list[tuple[str, Mapping[str, int], SampleTable]]:
        """As in the base, with both test parts where the set has them."""
        if self.detect_layout()[0] == 'folders':
            return [(part, {}, self.read(part)) for part in ('train', 'test')]
        others = [usage for usage in self.usages() if usage != 'Training']
        names = {'Training': 'train', (self.test_part if len(others) > 1 else ''.join(others)): 'test'}
        return [
            (names.get(usage, usage), self.PUBLISHED.get(usage, {}), self.read_usage(usage))
            for usage in ('Training', *others)
        ]


def take_usage(name: str, path: Path, table: SampleTable, usage: np.ndarray) -> SampleTable:
    """Return the rows of a usage.

    Raises:
        DatasetError: If there are none.
    """
    chosen = usage == USAGES.index(name)
    if not chosen.any():
        others = [u for i, u in enumerate(USAGES) if (usage == i).any()]
        raise DatasetError(
            f'{path} has no row of Usage {name}, only {", ".join(others)}; the option test_part names '
            'the test part'
        )
    return table.take(chosen)
