"""What a run left behind, checked before it counts."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dacl_mm.arrays import read_arrays
from dacl_mm.comparison.plan.records import read_json
from dacl_mm.comparison.plan.runs import RESULT, Run
from dacl_mm.errors import ComparisonError

from .hooks.prediction_record import FILE as PREDICTIONS

TRAINED = 'trained.json'
ARRAYS = ('path', 'label', 'score', 'embedding')


def read_predictions(folder: Path) -> dict[str, np.ndarray]:
    """Return the arrays of predictions.npz (see :class:`PredictionRecordHook`).

    Raises:
        ComparisonError: If the file is missing or damaged.
    """
    path = folder / PREDICTIONS
    try:
        arrays = read_arrays(path)
        lacking = [name for name in ARRAYS if name not in arrays]
        if lacking:
            raise ValueError(f'it lacks {", ".join(lacking)}')
    except (OSError, ValueError) as error:
        raise ComparisonError(
            f'{path} is missing or damaged ({error}): delete {folder / RESULT} and repeat the command, '
            'which tests the run again'
        ) from error
    return arrays


def check_diverged(loss: Sequence[float | None]) -> None:
    """Refuse a training that ended in NaN.

    Args:
        loss: Of each epoch.

    Raises:
        ComparisonError: If the last one is not finite.
    """
    last = loss[-1]
    if last is None or not math.isfinite(last):
        raise ComparisonError(
            f'the training diverged: the loss of its last epoch, {len(loss)}, is no finite number'
        )


def check_predictions(arrays: dict[str, np.ndarray]) -> None:
    """Refuse predictions that are no numbers.

    Raises:
        ComparisonError: If a score, an embedding or a centre is not finite.
    """
    for name in ('score', 'embedding', 'centers'):
        bad = ~np.isfinite(arrays.get(name, np.zeros((0, 1)))).all(1)
        if bad.any():
            raise ComparisonError(
                f'the run diverged: {bad.sum()} of {len(bad)} rows of {name} are not finite'
            )


def set_aside_damaged(run: Run) -> list[Path]:
    """Rename a run's damaged files to ``*.damaged``, so that what they held is made again.

    Returns:
        The new names.
    """
    moved = []
    for name in (TRAINED, RESULT):
        try:
            read_json(run.folder / name)
        except ComparisonError:
            moved.append(_set_aside(run.folder / name))
    if (run.folder / RESULT).is_file():
        try:
            read_predictions(run.folder)
        except ComparisonError:
            (run.folder / RESULT).unlink()
            if (run.folder / PREDICTIONS).is_file():
                moved.append(_set_aside(run.folder / PREDICTIONS))
    return moved


def _set_aside(path: Path) -> Path:
    return path.replace(path.with_name(f'{path.name}.damaged'))
