"""Rows of lists as they are distributed: byte-order marks, CRLF, no final newline."""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from dacl_mm.errors import DatasetError


def read_rows(path: Path, header: Sequence[str] = ()) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number from 1, fields) of a CSV file; blank lines are passed over.

    Args:
        path: The file.
        header: Names that the first row must hold, whatever the case and
            spaces around them; its columns are then yielded in this order.
            Empty where the file has no header.

    Raises:
        DatasetError: If the file cannot be read, the header lacks a name, or a
            row is shorter than the header.
    """
    order: list[int] | None = None
    try:
        with open(path, encoding='utf-8-sig', newline='') as file:
            reader = csv.reader(file)
            for fields in reader:
                number = reader.line_num
                if not any(field.strip() for field in fields):
                    continue
                if header and order is None:
                    names = [field.strip().lower() for field in fields]
                    missing = [name for name in header if name.lower() not in names]
                    if missing:
                        raise DatasetError(
                            f'{path}, row {number}: the header lacks {", ".join(missing)}; it must name '
                            f'{", ".join(header)}'
                        )
                    order = [names.index(name.lower()) for name in header]
                elif order is None:
                    yield number, fields
                elif len(fields) <= max(order):
                    raise DatasetError(
                        f'{path}, row {number}: {len(fields)} fields, {max(order) + 1} are needed; '
                        'restore the row or delete it'
                    )
                else:
                    yield number, [fields[i] for i in order]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f'{path} cannot be read: {error}') from error


class NameCheck:
    """Refuses names that leave the data set's folder, and a second row for the same name."""

    def __init__(self, path: Path):
        self.path = path
        self._rows: dict[str, int] = {}

    def __call__(self, name: str, row: int) -> str:
        """Return the name.

        Raises:
            DatasetError: If it is absolute or goes up a folder, or an earlier row has it.
        """
        path = PurePosixPath(name)
        if path.is_absolute() or '..' in path.parts:
            raise DatasetError(
                f"{self.path}, row {row}: {name!r} lies outside of the images' folder; names are relative "
                'to it. Correct or delete the row'
            )
        first = self._rows.setdefault(name, row)
        if first != row:
            raise DatasetError(f'{self.path}, row {row}: {name!r} is in row {first} too; delete one of them')
        return name
