"""The images of a data set as columns."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .labels import EXPRESSIONS

NO_EXPRESSION = -1


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
    """

    root: Path
    files: np.ndarray
    expression: np.ndarray
    row: np.ndarray
    scores: np.ndarray | None = None
    pixels: torch.Tensor | None = None
    source: str = ''

    @classmethod
    def from_rows(cls, root: Path, rows: Iterable[tuple], **columns) -> SampleTable:
        """Build a table from (file, expression name or None, row) triples."""
        rows = list(rows)
        code: dict[str | None, int] = {name: i for i, name in enumerate(EXPRESSIONS)}
        code[None] = NO_EXPRESSION
        return cls(
            root=Path(root),
            files=np.array([str(f).encode() for f, _, _ in rows], dtype=np.bytes_),
            expression=np.array([code[e] for _, e, _ in rows], np.int8),
            row=np.array([r for _, _, r in rows], np.int32),
            **columns,
        )

    def __len__(self) -> int:
        return len(self.files)

    def name(self, i: int) -> str:
        """Return a file's name, relative to the root."""
        return self.files[i].decode()

    def path(self, i: int) -> str:
        """Return a file's path."""
        return str(self.root / self.name(i))

    def take(self, chosen: np.ndarray) -> SampleTable:
        """Return the rows of a mask or an index array."""
        index = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        pixels = self.pixels
        if pixels is not None:
            pixels = pixels[torch.from_numpy(index)].share_memory_()
        scores = None if self.scores is None else self.scores[index]
        return SampleTable(
            self.root, self.files[index], self.expression[index], self.row[index], scores, pixels, self.source
        )

    def to_bytes(self) -> bytes:
        """Serialise all columns but the pixels."""
        columns = dict(files=self.files, expression=self.expression, row=self.row)
        if self.scores is not None:
            columns['scores'] = self.scores
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, source=np.array(self.source), **columns)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, root: Path) -> SampleTable:
        """Read what :meth:`to_bytes` wrote."""
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            columns = {name: stored[name] for name in stored.files}
        return cls(root=root, **{**columns, 'source': str(columns['source'])})


class Records(Sequence):
    """A table as the records that pipelines start from.

    Each is a dict: ``img_path``, ``gt_label``,
    and where the table has them ``gt_score`` (K,) and ``pixels`` (H, W).

    Args:
        table: The images.
        label: Class index of each, (N,).
        columns: EXPRESSIONS index of each class, (K,): the soft labels' order.
    """

    def __init__(self, table: SampleTable, label: np.ndarray, columns: Sequence[int]):
        self.table = table
        self.label = label
        self.columns = np.asarray(columns)

    def __len__(self) -> int:
        return len(self.table)

    def __getitem__(self, i):
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
        return record
