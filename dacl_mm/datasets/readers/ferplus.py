"""FER+ as distributed."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from mmpretrain.registry import DATASETS

from dacl_mm.datasets.labels import EXPRESSIONS
from dacl_mm.datasets.table import NO_EXPRESSION, SampleTable, encoded
from dacl_mm.errors import DatasetError, UserError

from .fer2013 import FER2013, USAGES, read_csv, take_usage
from .rows import read_rows

VOTES = (
    'neutral', 'happiness', 'surprise', 'sadness', 'anger', 'disgust', 'fear', 'contempt', 'unknown', 'NF',
)  # fmt: skip
NAMED = 8  # the first eight are expressions
PNG_FOLDERS = {'Training': 'FER2013Train', 'PublicTest': 'FER2013Valid', 'PrivateTest': 'FER2013Test'}


def majority(votes: np.ndarray) -> np.ndarray:
    """Return which column wins by FER+'s majority rule.

    Single votes are dropped; the winner needs more than half of what remains
    and must be an expression (Barsoum et al., ICMI 2016, section 3).

    Args:
        votes: Counts, (N, 10), in the order of VOTES.

    Returns:
        Column index (N,), -1 where there is none.
    """
    votes = np.where(votes <= 1, 0, votes)
    best = votes.argmax(1)
    wins = 2 * votes.max(1) > votes.sum(1)
    return np.where(wins & (best < NAMED), best, -1)


def probability(votes: np.ndarray) -> np.ndarray:
    """Return the soft labels of FER+'s probability rule.

    Single votes are dropped. Columns are taken by falling count, equal counts
    together, until they hold 75 % of the votes or are three. 'unknown' and 'NF'
    end it without being taken. No label where they come first, where more than
    three columns were taken, or where these hold not more than half of the votes.

    Args:
        votes: Counts, (N, 10), in the order of VOTES.

    Returns:
        Shares over the eight expressions in the order of VOTES, (N, 8); a row
        of zeros has no label.
    """
    shares = np.zeros((len(votes), NAMED), np.float32)
    for i, row in enumerate(np.where(votes <= 1, 0, votes)):
        total, taken = row.sum(), np.zeros(0, int)
        for count in np.unique(row[row > 0])[::-1]:
            if row[taken].sum() >= 0.75 * total or len(taken) >= 3:
                break
            columns = np.flatnonzero(row == count)
            taken = np.concatenate([taken, columns[columns < NAMED]])
            if (columns >= NAMED).any():
                break
        weight = row[taken].sum()
        if len(taken) <= 3 and 2 * weight > total:
            shares[i, taken] = row[taken] / weight
    return shares


def vote_shares(votes: np.ndarray) -> np.ndarray:
    """Return how the votes for expressions are distributed, where an expression leads.

    Single votes are dropped. Unlike :func:`probability` it keeps every column, and asks for no more
    than that no column of 'unknown' and 'NF' has more votes than the first of the expressions.

    Args:
        votes: Counts, (N, 10), in the order of VOTES.

    Returns:
        Shares over the eight expressions in the order of VOTES, (N, 8); a row
        of zeros has no label.
    """
    votes = np.where(votes <= 1, 0, votes)
    named = votes[:, :NAMED]
    leads = (votes.argmax(1) < NAMED) & (votes.max(1) > 0)
    shares: np.ndarray = np.where(leads[:, None], named, 0) / np.maximum(named.sum(1, keepdims=True), 1)
    return np.asarray(shares, np.float32)


#: Rule of soft labels -> what it makes of votes, (N, 10): shares, (N, 8).
SOFT = {'probability': probability, 'votes': vote_shares}


@DATASETS.register_module()
class FERPlus(FER2013):
    """FER+ (Barsoum et al., ICMI 2016): ten votes for each FER2013 image, eight expressions.

    ::

        data_root                                layout 'csv'
        |-- fer2013new.csv                       votes, joined by row to
        `-- fer2013.csv (or icml_face_data.csv)

        data_root                                layout 'png', as the authors' script writes it
        `-- data/FER2013{Train,Valid,Test}/{label.csv,fer*.png}

    An ``exclude_file`` names images as the layout 'png' does, under 'csv' too.

    Args:
        label_mode: 'majority' (one label; images without a winner are left out), 'probability'
            (soft labels for the classification loss as well, by the authors' rule) or 'votes' (the
            shares of all votes for expressions, of every image that an expression leads). The
            held-out part is the same in all of them. With ``test_mode`` the records of 'majority' have
            the votes as ``gt_score`` too, for the metrics.
        **kwargs: Those of :class:`FER2013`.

    Raises:
        DatasetError: If rows are malformed, the two files do not belong
            together, or an image is missing.
    """

    ROOT_VARIABLE = 'FERPLUS_ROOT'
    LAYOUTS = {
        'csv': ['fer2013new.csv', 'fer2013.csv|icml_face_data.csv'],
        'png': ['data/FER2013Train/label.csv'],
    }
    PUBLISHED = {}

    def __init__(self, label_mode: str = 'majority', **kwargs: Any):
        if label_mode not in ('majority', *SOFT):
            raise UserError(f'label_mode must be one of majority, {", ".join(SOFT)}, got {label_mode!r}')
        self.label_mode = label_mode
        super().__init__(**kwargs)

    def read_usage(self, usage: str) -> SampleTable:
        layout, (path, *more) = self.detect_layout()
        if layout == 'csv':
            return self._joined(usage, path, more[0])
        return self._png(usage, path.parent.parent)

    def usages(self) -> list[str]:
        layout, (path, *_) = self.detect_layout()
        if layout == 'csv':
            return super().usages()
        folder = path.parent.parent
        return [usage for usage in USAGES if (folder / PNG_FOLDERS[usage] / 'label.csv').is_file()]

    def _joined(self, name: str, path: Path, pixels: Path) -> SampleTable:
        table, usage = read_csv(pixels)
        votes, names = [], []
        rows = list(read_rows(path, ('Usage', 'Image name', *VOTES)))
        if len(rows) != len(table):
            raise DatasetError(
                f'{path} has {len(rows)} rows and {pixels} {len(table)}: they are joined by row, so '
                'restore the one that was cut or extended'
            )
        for i, (row, (use, file, *counts)) in enumerate(rows):
            if use.strip() != USAGES[usage[i]]:
                raise DatasetError(
                    f'{path}, row {row}: Usage {use!r}, but {pixels}, row {table.row[i]} has '
                    f'{USAGES[usage[i]]}: the files do not belong together'
                )
            votes.append(vote_counts(path, row, counts))
            names.append(png_name(USAGES[usage[i]], file.strip()))
        alias = encoded(names, path)
        labelled = self._label(table, np.array(votes), alias != b'')
        return take_usage(name, path, replace(labelled, alias=alias), usage)

    def _png(self, usage: str, folder: Path) -> SampleTable:
        base, rows, votes = folder / PNG_FOLDERS[usage], [], []
        path = base / 'label.csv'
        if not path.is_file():
            raise DatasetError(f'{path} is missing; the option test_part names the test part')
        present = {entry.name for entry in os.scandir(base)}
        root = self.require_root()
        for row, fields in read_rows(path):
            if len(fields) != 2 + len(VOTES):
                raise DatasetError(
                    f'{path}, row {row}: {len(fields)} fields; expected a name, a box and {len(VOTES)} votes'
                )
            if fields[0] not in present:
                raise DatasetError(f'{path}, row {row}: {base / fields[0]} is missing')
            rows.append(((base / fields[0]).relative_to(root), None, row))
            votes.append(vote_counts(path, row, fields[2:]))
        if not rows:
            raise DatasetError(f'{path} has no rows')
        table = SampleTable.from_rows(root, rows, source=str(path))
        return self._label(table, np.array(votes), np.ones(len(rows), bool))

    def _label(self, table: SampleTable, votes: np.ndarray, named: np.ndarray) -> SampleTable:
        """Put labels by the votes in place of the table's; an empty name is no face."""
        order = [VOTES.index(name) for name in EXPRESSIONS]
        back = np.array([*np.argsort(order), NO_EXPRESSION])  # VOTES column -> EXPRESSIONS index

        def expression(winner: np.ndarray) -> np.ndarray:
            return np.where(named, back[winner], NO_EXPRESSION).astype(np.int8)

        hard = expression(majority(votes))
        if self.label_mode == 'majority':
            # Evaluation compares to the votes as well; in training the loss would aim at them.
            scores = vote_shares(votes)[:, order] if self.test_mode else None
            return replace(table, expression=hard, scores=scores)
        shares = SOFT[self.label_mode](votes)
        soft = expression(np.where(shares.sum(1) > 0, shares.argmax(1), -1))
        return replace(table, expression=soft, scores=shares[:, order], strata=hard)


def png_name(usage: str, file: str) -> str:
    """Return an image's name in the layout 'png', relative to the root; empty where it has none."""
    return f'data/{PNG_FOLDERS[usage]}/{file}' if file else ''


def vote_counts(path: Path, row: int, fields: list[str]) -> list[int]:
    """Parse the ten votes of a row.

    Raises:
        DatasetError: If one is no whole number of 0 or more.
    """
    if not all(field.strip().isdigit() for field in fields):
        raise DatasetError(f'{path}, row {row}: votes must be whole numbers, got {",".join(fields)}')
    return [int(field) for field in fields]
