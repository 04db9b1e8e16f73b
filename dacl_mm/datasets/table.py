"""The images of a data set as columns."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from dacl_mm.arrays import read_arrays
from dacl_mm.errors import DatasetError, UserError

from .label_noise import LabelNoise
from .labels import EXPRESSIONS
from .memory import shared

if TYPE_CHECKING:
    from .storage import StoredPixels

NO_EXPRESSION = -1
#: In the UTF-8 of names, which zero bytes divide: a step up a folder, and characters that break a line or
#: that a terminal obeys.
STEP_UP = re.compile(rb'(?<![^/\0])\.\.(?![^/\0])')
CONTROL = re.compile(rb'[\x01-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8\xa9]')


@dataclass(frozen=True)
class SampleTable:
    """N labelled images in the order of their source.

    Columns instead of objects: 287,651 rows take 20 MB, which forked workers share.

    Args:
        root: Folder that ``files`` are relative to.
        files: Names, UTF-8 bytes, (N,). Names of images inside a CSV file are
            ``fer2013.csv#ROW``.
        expression: Index into EXPRESSIONS, int8, (N,); -1 has no expression.
        row: Line of the source that names the image, int32, (N,); 0 where there is no list.
        scores: Soft labels over EXPRESSIONS, float32, (N, 8), or None.
        pixels: Grey pixels in shared memory, uint8, (N, H, W), or None where images are files.
        source: The list's file, for messages.
        alias: Names that are the same in every layout of the set, UTF-8 bytes, (N,),
            empty for images without; None where ``files`` are so already.
        stored: Decoded images, or None where files are read.
        strata: Class by which the held-out part is chosen, int8, (N,), where it is another than
            ``expression``; None where it is the same.
    """

    root: Path
    files: np.ndarray
    expression: np.ndarray
    row: np.ndarray
    scores: np.ndarray | None = None
    pixels: torch.Tensor | None = None
    source: str = ''
    alias: np.ndarray | None = None
    stored: StoredPixels | None = None
    strata: np.ndarray | None = None

    @classmethod
    def from_rows(
        cls, root: Path, rows: Iterable[tuple[Any, str | None, int]], **columns: Any
    ) -> SampleTable:
        """Build a table from (file, expression name or None, row) triples."""
        rows = list(rows)
        code: dict[str | None, int] = {name: i for i, name in enumerate(EXPRESSIONS)}
        code[None] = NO_EXPRESSION
        return cls(
            root=Path(root),
            files=encoded([str(f) for f, _, _ in rows], columns.get('source') or root),
            expression=np.array([code[e] for _, e, _ in rows], np.int8),
            row=np.array([r for _, _, r in rows], np.int32),
            **columns,
        )

    def __len__(self) -> int:
        return len(self.files)

    def name(self, i: int) -> str:
        """Return a file's name, relative to the root."""
        return bytes(self.files[i]).decode()

    def lasting_name(self, i: int) -> str:
        """Return the name that ``exclude_file`` should have: the alias, else the file's name."""
        alias = b'' if self.alias is None else self.alias[i]
        return bytes(alias).decode() or self.name(i)

    def where(self, i: int) -> str:
        """Return list and row of an image, else its path, for messages."""
        return f'{self.source}, row {self.row[i]}' if self.row[i] else self.path(i)

    def path(self, i: int) -> str:
        """Return a file's path."""
        return str(self.root / self.name(i))

    def take(self, chosen: np.ndarray) -> SampleTable:
        """Return the rows of a mask or an index array."""
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        pixels = self.pixels
        if pixels is not None:
            pixels = shared(pixels[torch.from_numpy(index)])
        stored = None if self.stored is None else self.stored.take(index)
        taken: dict[str, Any] = {name: column[index] for name, column in self._columns().items()}
        return replace(self, pixels=pixels, stored=stored, **taken)

    def _columns(self) -> dict[str, np.ndarray]:
        """Return all columns that there are, but the pixels."""
        names = ('files', 'expression', 'row', 'scores', 'alias', 'strata')
        return {name: column for name in names if (column := getattr(self, name)) is not None}

    def to_bytes(self) -> bytes:
        """Serialise all columns but the pixels."""
        buffer = io.BytesIO()
        columns: dict[str, Any] = self._columns()
        np.savez(buffer, source=np.array(self.source), **columns)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, root: Path) -> SampleTable:
        """Read what :meth:`to_bytes` wrote.

        Raises:
            ValueError: If it is damaged, or names a file outside of the root.
        """
        columns: dict[str, Any] = dict(read_arrays(data))
        source = str(columns['source'])
        check_names(columns['files'], source)
        return cls(root=root, **{**columns, 'source': source})


def encoded(names: Sequence[str], source: object) -> np.ndarray:
    """Return names of files as UTF-8 bytes, (N,).

    Raises:
        DatasetError: If one leads out of the root, or would break lists and logs.
    """
    try:
        files = np.array([name.encode() for name in names], dtype=np.bytes_)
    except UnicodeEncodeError as error:
        raise DatasetError(f'{source}: the name {error.object!r} is not UTF-8; rename the file') from None
    check_names(files, source)
    return files


def check_names(files: np.ndarray, source: object) -> None:
    """Refuse names that lead out of the root, or would break lists and logs.

    Names stay below the root in writing; links below it are followed, wherever they lead.

    Args:
        files: UTF-8 bytes, (N,).
        source: Where they are from, for the message.

    Raises:
        DatasetError: If a name is absolute, goes up a folder, or holds a control character.
    """
    # One search is a hundred times faster than one each; the wider type puts a zero byte after each name.
    data = files.astype(f'S{files.itemsize + 1}').tobytes()
    if STEP_UP.search(data) or CONTROL.search(data) or np.char.startswith(files, b'/').any():
        bad = next(f for f in files.tolist() if f.startswith(b'/') or STEP_UP.search(f) or CONTROL.search(f))
        raise DatasetError(
            f"{source}: the image name {bad.decode(errors='backslashreplace')!r} leads out of the data set's "
            'folder or holds a control character, as a line break; rename the file, and correct the list'
        )


class Records(Sequence[dict[str, Any]]):
    """A table as the records that pipelines start from.

    Each is a dict: ``img_path``, ``gt_label``,
    and where the table has them ``gt_score`` (K,), ``pixels`` (H, W) and ``img``
    (H, W, 3), read-only.

    Args:
        table: The images.
        label: Class index of each, (N,).
        columns: EXPRESSIONS index of each class, (K,): the soft labels' order.

    Raises:
        DatasetError: If a soft label gives none of the classes a share.
    """

    def __init__(self, table: SampleTable, label: np.ndarray, columns: Sequence[int]):
        self.table = table
        self.label = label
        self.columns = np.asarray(columns)
        if table.scores is not None:
            empty = np.flatnonzero(~(table.scores[:, self.columns].sum(1) > 0))
            if len(empty):
                names = ', '.join(EXPRESSIONS[c] for c in columns)
                raise DatasetError(
                    f'{table.where(empty[0])}: its soft label has no share of {names} ({len(empty)} such '
                    'images); name it in exclude_file, add a class, or choose hard labels by label_mode'
                )

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(len(self)))]
        i = int(i)
        if not -len(self) <= i < len(self):
            raise IndexError(i)
        record = dict(img_path=self.table.path(i), gt_label=int(self.label[i]))
        if self.table.scores is not None:
            score = self.table.scores[i, self.columns]
            record['gt_score'] = score / score.sum()
        if self.table.pixels is not None:
            record['pixels'] = self.table.pixels[i].numpy()
        if self.table.stored is not None and (img := self.table.stored[i]) is not None:
            record['img'] = img
        return record

    def shares(self) -> np.ndarray | None:
        """Return the soft labels of all images, (N, K), rows of sum 1; None where there are none."""
        if self.table.scores is None:
            return None
        scores = self.table.scores[:, self.columns]
        return np.asarray(scores / scores.sum(1, keepdims=True))

    def with_noise(self, noise: LabelNoise) -> Records:
        """Return the images with noisy labels; votes that these were drawn from are left out."""
        label = noise.apply(self.label, len(self.columns), self.shares())
        return Records(replace(self.table, scores=None), label, self.columns.tolist())

    def subset(self, indices: Sequence[int] | int) -> Records:
        """Return the images of some indices; of a number the first, or where it is negative the last.

        Raises:
            UserError: If an index is none of an image.
        """
        every = np.arange(len(self))
        if isinstance(indices, int):
            chosen = every[:indices] if indices >= 0 else every[indices:]
        else:
            wanted = np.asarray(indices, int)
            beyond = wanted[(wanted < -len(self)) | (wanted >= len(self))]
            if len(beyond):
                raise UserError(f'indices of the data set: {beyond[0]} is none of its {len(self)} images')
            chosen = every[wanted]
        return Records(self.table.take(chosen), self.label[chosen], self.columns.tolist())
