"""AffectNet in its three distributions."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.registry import DATASETS
from rich.progress import track

from dacl_mm.arrays import DAMAGES
from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.labels import EXPRESSIONS
from dacl_mm.datasets.scan.index import indexed
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import DatasetError, UserError

from .npy import read_scalar
from .rows import NameCheck, read_rows

# 0 to 7; 8 none, 9 uncertain and 10 no face carry no expression.
LABELS = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust', 'anger', 'contempt')
NO_LABEL = ('8', '9', '10')
HEADER = (
    'subDirectory_filePath', 'face_x', 'face_y', 'face_width', 'face_height', 'facial_landmarks',
    'expression', 'valence', 'arousal',
)  # fmt: skip
COUNTS = (74874, 134415, 25459, 14090, 6378, 3803, 24882, 3750)
TOLERATED = 1  # malformed rows: training.csv is distributed with one


@DATASETS.register_module()
class AffectNet(FERDataset):
    """AffectNet (Mollahosseini et al., 2017), eight expressions; seven without contempt.

    ::

        data_root                                              layout 'classic'
        |-- Manually_Annotated_file_lists/{training,validation}.csv   with or without header
        `-- Manually_Annotated_Images/<folder>/<file>.jpg

        data_root/{train_set,val_set}                          layout 'npy' (2021)
        |-- images/<id>.jpg
        `-- annotations/<id>_exp.npy                           a string

        data_root/human_annotated/{train_set,validation_set}   layout 'plus' (AffectNet+)
        |-- images/<id>.jpg
        `-- annotations/<id>.json                              human-label, soft-label

    The official validation images (500 a class) are the part 'test'; 'val' is
    carved from the 287,651 training images. The first start reads all
    annotations and keeps an index; see :mod:`dacl_mm.datasets.scan.index`.

    Args:
        label_mode: 'human' (one label) or 'soft' (AffectNet+: soft labels for the
            classification loss as well).
        **kwargs: Those of :class:`FERDataset`.

    Raises:
        DatasetError: If an annotation is malformed or its image missing. The
            classic lists may hold one malformed row, which is left out with a
            warning: ``training.csv`` is distributed so.
    """

    ROOT_VARIABLE = 'AFFECTNET_ROOT'
    LAYOUTS = {
        'classic': [
            'Manually_Annotated_file_lists/training.csv|training.csv',
            'Manually_Annotated_Images|Manually_Annotated/Manually_Annotated_Images',
        ],
        'npy': ['train_set/annotations', 'val_set/annotations'],
        'plus': ['human_annotated/train_set/annotations', 'human_annotated/validation_set/annotations'],
    }
    PUBLISHED = {'train': dict(zip(LABELS, COUNTS)), 'test': dict.fromkeys(LABELS, 500)}

    def __init__(self, label_mode: str = 'human', **kwargs: Any):
        if label_mode not in ('human', 'soft'):
            raise UserError(f"label_mode must be 'human' or 'soft', got {label_mode!r}")
        self.label_mode = label_mode
        super().__init__(**kwargs)

    def read(self, part: str) -> SampleTable:
        layout, paths = self.detect_layout()
        soft = self.label_mode == 'soft'
        if soft and layout != 'plus':
            raise DatasetError(f"label_mode='soft' needs AffectNet+; {self.where} has layout {layout}")
        root, source = self.require_root(), paths[0 if part == 'train' else -1]
        if layout == 'classic':
            source = paths[0].with_name('training.csv' if part == 'train' else 'validation.csv')
            if not source.is_file():
                raise DatasetError(f'{source} is missing')
            return indexed(root, source, (source,), lambda: (_classic(root, source, paths[1]), []))
        suffix = '_exp.npy' if layout == 'npy' else '.json'
        read = _npy_label if layout == 'npy' else _plus_label
        folders = (source, source.parent / 'images')
        table = indexed(root, source, folders, lambda: _annotations(root, source, suffix, read))
        return table if soft else replace(table, scores=None)


def _classic(root: Path, path: Path, images: Path) -> SampleTable:
    once, rows, malformed, folders = NameCheck(path), [], [], {}
    for row, fields in _classic_rows(path):
        where = f'{path}, row {row}'
        if len(fields) < len(HEADER):
            malformed.append(f'{where}: {len(fields)} of {len(HEADER)} fields; correct or delete the row')
            if len(malformed) > TOLERATED:
                raise DatasetError('\n'.join(malformed))
            continue
        if fields[6].strip() not in (*LABEL_OF, *NO_LABEL):
            raise DatasetError(
                f'{where}: expression {fields[6]!r} is outside 0 to 10; correct or delete the row'
            )
        if fields[6].strip() in NO_LABEL:
            continue
        name = once(fields[0].strip().replace('\\', '/'), row)
        folder, _, file = name.rpartition('/')
        if folder not in folders:
            folders[folder] = _names(images / folder)
        if file not in folders[folder]:
            raise DatasetError(f'{where}: {images / name} is missing')
        rows.append(((images / name).relative_to(root), LABELS[int(fields[6])], row))
    for message in malformed:
        print_log(f'left out: {message}', logger='current', level=30)
    return SampleTable.from_rows(root, rows, source=str(path))


def _classic_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield rows without the header, which some copies lack."""
    for i, (row, fields) in enumerate(read_rows(path)):
        if i or fields[0].strip().lower() != HEADER[0].lower():
            yield row, fields


def _names(folder: Path) -> set[str]:
    return {entry.name for entry in os.scandir(folder)} if folder.is_dir() else set()


def _annotations(
    root: Path, folder: Path, suffix: str, read: Callable[[str], tuple[str, list[float] | None]]
) -> tuple[SampleTable, list[str]]:
    """Read one annotation file per image; ``read`` gives label and soft label.

    Returns:
        The table, and the names of all annotation files.
    """
    with os.scandir(folder) as entries:
        files = sorted(entry.name for entry in entries if entry.name.endswith(suffix))
    if not files:
        raise DatasetError(f'{folder} holds no *{suffix}')
    images = folder.parent / 'images'
    present, relative = _names(images), images.relative_to(root)
    rows, scores = [], []
    for file in track(files, f'Indexing {len(files)} annotations', disable=len(files) < 1000):
        path = f'{folder}/{file}'
        label, soft = read(path)
        image = f'{file.removesuffix(suffix)}.jpg'
        if image not in present:
            raise DatasetError(f'{path}: its image {images / image} is missing')
        if label in NO_LABEL:
            continue
        if label not in LABEL_OF:
            raise DatasetError(f'{path}: expression {label!r} is outside 0 to 10; correct or delete it')
        rows.append((f'{relative}/{image}', LABEL_OF[label], 0))
        scores.append(soft)
    table = SampleTable.from_rows(root, rows, source=str(folder))
    if not scores or scores[0] is None:
        return table, files
    order = [LABELS.index(name) for name in EXPRESSIONS]
    return replace(table, scores=np.array(scores, np.float32)[:, order]), files


LABEL_OF = {str(i): name for i, name in enumerate(LABELS)}


def _npy_label(path: str) -> tuple[str, None]:
    try:
        return str(read_scalar(path)).strip().removesuffix('.0'), None
    except DAMAGES as error:
        reason = str(error) or type(error).__name__
        raise DatasetError(f'{path} is no .npy file of one value: {reason}; restore it') from error


def _plus_label(path: str) -> tuple[str, list[float]]:
    try:
        with open(path, encoding='utf-8-sig') as file:
            note = json.load(file)
        soft = [float(value) for value in note['soft-label']]
        label = str(note['human-label'])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise DatasetError(
            f'{path}: human-label and soft-label cannot be read ({error!r}); restore it'
        ) from error
    if len(soft) != len(LABELS) or min(soft) < 0 or sum(soft) <= 0:
        raise DatasetError(f'{path}: soft-label must be {len(LABELS)} shares, got {soft}')
    return label, soft
