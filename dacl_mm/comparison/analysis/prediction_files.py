"""Predictions of any program, ours or another's, scored against labels in a file."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dacl_mm.datasets.labels import EXPRESSIONS, class_index
from dacl_mm.errors import MissingFileError, UserError
from dacl_mm.evaluation.functional import expected_calibration_error

from .intervals import Interval, method_interval
from .strata import METRICS, rates, strata

#: The column that names the image, whoever wrote the file.
FILE_COLUMNS = ('source', 'file')


@dataclass(frozen=True)
class Labels:
    """Images by file name.

    Attributes:
        files: Names without their folders.
        classes: Those that occur, in the order of the common vocabulary.
        label: Class of each image, (N,).
    """

    files: tuple[str, ...]
    classes: tuple[str, ...]
    label: np.ndarray


@dataclass(frozen=True)
class Score:
    """What one file of predictions amounts to, in percent.

    Attributes:
        right: Whether each image was right, (N,); an image without a prediction is wrong.
        missing: How many images have none.
        mean: Metric -> value.
        interval: Metric -> 95 % interval over the images.
        recall: Class -> value.
        calibration_error: Over the images that have a prediction.
    """

    right: np.ndarray
    missing: int
    mean: dict[str, float]
    interval: dict[str, Interval]
    recall: dict[str, float]
    calibration_error: float


def read_labels(path: Path) -> Labels:
    """Read a table of images and their expressions.

    Args:
        path: Rows of file and expression; a first row of headings may precede them.

    Raises:
        MissingFileError: If it does not exist.
        UserError: If a row is no such pair, or an image occurs twice.
    """
    rows = [row for row in _rows(path) if row]
    if rows and rows[0][-1] not in EXPRESSIONS:
        del rows[0]
    found: dict[str, str] = {}
    for number, row in enumerate(rows, 1):
        if len(row) != 2 or row[1] not in EXPRESSIONS:
            raise UserError(f'{path}: row {number} is {row}; give a file and one of {", ".join(EXPRESSIONS)}')
        name = Path(row[0]).name
        if name in found:
            raise UserError(f'{path}: {name} has two rows; file names must differ, whatever their folders')
        found[name] = row[1]
    if not found:
        raise UserError(f'{path} holds no labels')
    classes = tuple(name for name in EXPRESSIONS if name in found.values())
    index = class_index(classes)
    return Labels(tuple(found), classes, np.array([index[name] for name in found.values()]))


def score(path: Path, labels: Labels) -> Score:
    """Score the probabilities in a file: one row an image, one column a class, and its file.

    The most probable of the labels' classes counts, so that a further class, as contempt, is no
    disadvantage.

    Raises:
        MissingFileError: If it does not exist.
        UserError: If a column is missing, a value is no probability, or an image has several rows.
    """
    head, *rows = _rows(path)
    name = next((column for column in FILE_COLUMNS if column in head), None)
    lacking = [column for column in labels.classes if column not in head]
    if name is None or lacking:
        raise UserError(
            f'{path} lacks the column {lacking[0] if lacking else " or ".join(FILE_COLUMNS)}: it must have '
            f'{FILE_COLUMNS[0]} (or {FILE_COLUMNS[1]}) and one of probabilities for each of '
            f'{", ".join(labels.classes)}'
        )
    places = [head.index(column) for column in labels.classes]
    where = {file: i for i, file in enumerate(labels.files)}
    scores = np.full((len(labels.files), len(places)), np.nan)
    for number, row in enumerate(rows, 2):
        i = where.get(Path(row[head.index(name)]).name)
        if i is None or not row[places[0]]:  # not of the labelled ones, or without a face
            continue
        if not np.isnan(scores[i, 0]):
            raise UserError(f'{path}: {labels.files[i]} has a second row, {number}: one face an image counts')
        scores[i] = _probabilities([row[place] for place in places], path, number)
    there = ~np.isnan(scores[:, 0])
    right = np.zeros(len(scores), dtype=bool)
    right[there] = scores[there].argmax(1) == labels.label[there]
    return _summary(right, scores, there, labels)


def _summary(right: np.ndarray, scores: np.ndarray, there: np.ndarray, labels: Labels) -> Score:
    mean, interval = {}, {}
    for metric in METRICS:
        stratum = strata(labels.label, metric)
        rate = rates(right[None], stratum)  # (1, K)
        mean[metric] = 100 * float(rate.mean())
        interval[metric] = method_interval(rate, np.bincount(stratum))
    recall = {name: 100 * float(right[labels.label == k].mean()) for k, name in enumerate(labels.classes)}
    error = expected_calibration_error(scores[there], labels.label[there]) if there.any() else float('nan')
    return Score(right, int((~there).sum()), mean, interval, recall, 100 * error)


def _probabilities(cells: Sequence[str], path: Path, number: int) -> list[float]:
    try:
        values = [float(cell) for cell in cells]
    except ValueError as error:
        raise UserError(f'{path}: row {number} holds no probabilities: {error}') from error
    if not all(0 <= value <= 1 for value in values):
        raise UserError(f'{path}: row {number} holds {values}, which are no probabilities')
    return values


def _rows(path: Path) -> list[list[str]]:
    if not path.is_file():
        raise MissingFileError(f'{path} does not exist')
    with path.open(encoding='utf-8-sig', newline='') as file:
        return list(csv.reader(file))
