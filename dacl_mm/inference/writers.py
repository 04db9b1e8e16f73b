"""Rows in a file: CSV, or a JSON object a line."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from dacl_mm.errors import FileError, UserError
from dacl_mm.files import atomic_file, make_folder
from dacl_mm.text import csv_cell

from .results import COLUMNS, SMOOTHED, Prediction, class_column

SUFFIXES = ('.csv', '.jsonl')
DIGITS = 6  # behind the point


class RowWriter:
    """Writes the rows of predictions, each line in one piece.

    Args:
        file: Where to; a raw file shows each line at once.
        classes: Names of the classes.
        smoothed: Whether there are columns of smoothed probabilities.
        as_csv: CSV with a header; else a JSON object a line.

    Attributes:
        rows: How many have been written.
    """

    def __init__(
        self, file: BinaryIO | io.RawIOBase, classes: Sequence[str], smoothed: bool, as_csv: bool
    ) -> None:
        self.rows = 0
        self._file = file
        self._as_csv = as_csv
        self._columns = [*COLUMNS, *map(class_column, classes)]
        if smoothed:
            self._columns += [SMOOTHED + name for name in classes]
        if as_csv:
            self._line(_csv_line([csv_cell(name) for name in self._columns]))

    def __call__(self, prediction: Prediction) -> None:
        """Write the rows of a prediction."""
        for row in prediction.rows():
            values = {name: _rounded(row.get(name)) for name in self._columns}
            self._line(_csv_line(map(_cell, values.values())) if self._as_csv else json.dumps(values) + '\n')
            self.rows += 1

    def _line(self, text: str) -> None:
        self._file.write(text.encode(errors='backslashreplace'))  # names of files need not be UTF-8


def check_name(path: Path) -> None:
    """Check that a file's name tells its format.

    Raises:
        UserError: If it does not.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UserError(f'--out {path}: the name must end in {" or ".join(SUFFIXES)}')


@contextmanager
def row_file(path: Path, classes: Sequence[str], smoothed: bool, endless: bool) -> Iterator[RowWriter]:
    """Open a file for rows.

    It appears when it is complete; that of an endless source grows line by line.

    Args:
        path: Its name ends in .csv or .jsonl.
        classes: Names of the classes.
        smoothed: Whether there are columns of smoothed probabilities.
        endless: Whether the source may never end.

    Raises:
        FileError: If it cannot be written.
    """
    as_csv = path.suffix.lower() == '.csv'
    if not endless:
        with atomic_file(path) as file:
            yield RowWriter(file, classes, smoothed, as_csv)
        return
    make_folder(path.parent)
    try:
        with open(path, 'wb', buffering=0) as raw:
            writer = RowWriter(raw, classes, smoothed, as_csv)
            try:
                yield writer
            finally:
                if writer.rows == 0:  # no camera, say
                    path.unlink(missing_ok=True)
    except OSError as error:
        if isinstance(error, UserError):
            raise
        raise FileError(f'{path} was not written: {error.strerror}; write elsewhere') from error


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    return [_rounded(item) for item in value] if isinstance(value, list) else value


def _cell(value: Any) -> Any:
    """Return a value as a cell: nothing for None, and landmarks as x1 y1 x2 y2 ..."""
    if isinstance(value, list):
        return ' '.join(str(number) for point in value for number in point)
    return '' if value is None else csv_cell(value)


def _csv_line(values: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator='\n').writerow(values)
    return text.getvalue()
