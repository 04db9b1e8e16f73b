"""Is a copy of a data set sound?"""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.labels import EXPRESSIONS
from dacl_mm.datasets.readers.class_folders import SUFFIXES
from dacl_mm.datasets.scan.duplicates import near_pairs
from dacl_mm.datasets.table import SampleTable
from dacl_mm.text import printable

COMMON_MODES = (b'RGB', b'L')
USUAL = 0.95  # where this share of the images has one size, another size is odd
FAR, NEAR = 0.15, 0.05  # total variation between class shares


@dataclass(frozen=True)
class Problem:
    """One thing wrong: its kind, the image, its row in the list (0: none) and what to know."""

    kind: str
    file: str
    row: int
    message: str
    split: str = ''
    other: str = ''
    conflict: bool = False


@dataclass
class Part:
    """An official part, and one look at its images."""

    name: str
    table: SampleTable
    facts: np.ndarray
    published: Mapping[str, int] = field(default_factory=dict)

    @property
    def classes(self) -> dict[str, int]:
        """Images of each expression that occurs."""
        counts = np.bincount(self.table.expression[self.table.expression >= 0], minlength=len(EXPRESSIONS))
        return {name: int(n) for name, n in zip(EXPRESSIONS, counts) if n}

    @property
    def paths(self) -> list[str]:
        """Paths of the files, (N,)."""
        return [self.table.path(i) for i in range(len(self.table))]

    @property
    def readable(self) -> np.ndarray:
        """Mask (N,)."""
        return np.asarray(self.facts['error'] == b'')

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and standard deviation of all RGB pixels, in [0, 1]."""
        facts = self.facts[self.readable]
        count = facts['size'].astype(float).prod(1).sum()
        mean = facts['sum'].sum(0) / count
        return mean, np.sqrt(np.maximum(facts['square'].sum(0) / count - mean**2, 0))


def verify(dataset: FERDataset, complete: bool = False) -> tuple[list[Part], list[Problem], list[str]]:
    """Read all official parts once and check them.

    Args:
        dataset: A reader, not yet initialised.
        complete: Counts that differ from the published ones are problems, not notes.

    Returns:
        The parts, the problems, and notes.

    Raises:
        DatasetError: If the set cannot be read at all.
    """
    parts = []
    for name, published, table in dataset.official_parts():
        parts.append(Part(name, table, dataset.facts(table), published))
    problems = [Problem('not-read', str(f), 0, message) for f, message in dataset.passed_over().items()]
    for part in parts:
        problems += [*_empty(part, dataset.expressions()), *_unreadable(part), *_odd(part)]
        problems += _label_order(part)
    problems += _duplicates(parts)
    notes = [*_unlisted(parts), *_linked(parts)]
    for part in parts:
        for name, expected in part.published.items():
            found = part.classes.get(name, 0)
            if found != expected:
                message = f'{part.name}: {found} images of {name}, published are {expected}'
                if complete:
                    problems.append(Problem('count', part.table.source, 0, message, part.name))
                else:
                    notes.append(message)
    return parts, problems, notes


def _problem(kind: str, part: Part, i: int | np.integer, message: str, **more: Any) -> Problem:
    return Problem(kind, part.table.name(int(i)), int(part.table.row[i]), message, part.name, **more)


def _empty(part: Part, expressions: set[str]) -> list[Problem]:
    """Classes without any image."""
    return [
        Problem('empty-class', part.table.source or str(part.table.root), 0, f'no image of {name}', part.name)
        for name in EXPRESSIONS
        if name in expressions and name not in part.classes
    ]


def _unreadable(part: Part) -> list[Problem]:
    return [
        _problem('unreadable', part, i, part.facts['error'][i].decode(errors='replace'))
        for i in np.flatnonzero(~part.readable)
    ]


def _odd(part: Part) -> list[Problem]:
    found = []
    index = np.flatnonzero(part.readable)
    for i in index[~np.isin(part.facts['mode'][index], COMMON_MODES)]:
        mode = part.facts['mode'][i].decode()
        found.append(_problem('odd-mode', part, i, f'colour mode {mode}, read as RGB'))
    sizes = Counter(map(tuple, part.facts['size'][index].tolist()))
    (usual, count), *_ = sizes.most_common(1) or [((0, 0), 0)]
    if len(sizes) > 1 and count >= USUAL * len(index):
        for i in index[(part.facts['size'][index] != usual).any(1)]:
            width, height = part.facts['size'][i]
            message = f'{width} x {height} px, the others are {usual[0]} x {usual[1]}'
            found.append(_problem('odd-size', part, i, message))
    return found


def _label_order(part: Part) -> list[Problem]:
    """Compare class shares with the published ones, as they are and under the best permutation."""
    names = list(part.published)
    found = np.array([part.classes.get(name, 0) for name in names], float)
    if not names or not found.sum():
        return []
    expected = np.array([part.published[name] for name in names], float)
    cost = np.abs(found[:, None] / found.sum() - expected / expected.sum()) / 2
    rows, columns = linear_sum_assignment(cost)
    if cost.trace() <= FAR or cost[rows, columns].sum() >= NEAR:
        return []
    swaps = ', '.join(f'{names[r]} -> {names[c]}' for r, c in zip(rows, columns) if r != c)
    message = f'{part.name}: class shares fit the published ones only if labels are renamed: {swaps}'
    return [Problem('label-order', part.table.source, 0, message, part.name)]


def _duplicates(parts: list[Part]) -> list[Problem]:
    """Pairs of images that are pixel-identical or nearly so."""
    origin = [(part, i) for part in parts for i in np.flatnonzero(part.readable)]
    if not origin:
        return []
    facts = np.concatenate([part.facts[part.readable] for part in parts])
    part_of = np.concatenate([np.full(part.readable.sum(), k) for k, part in enumerate(parts)])
    near = near_pairs(facts['perceptual'], part=part_of)
    near = near[facts['exact'][near[:, 0]] != facts['exact'][near[:, 1]]]
    found = []
    for a, b in (*_identical_pairs(facts['exact'], part_of), *near.tolist()):
        (first, i), (second, j) = origin[a], origin[b]
        exact = facts['exact'][a] == facts['exact'][b]
        across = first is not second
        conflict = first.table.expression[i] != second.table.expression[j]
        kind = f'{"" if exact else "near-"}duplicate-{"across" if across else "within"}'
        message = (
            f'{"same pixels as" if exact else "nearly the same as"} {second.name} {second.table.name(j)}'
        )
        if conflict:
            labels = [_label(first, i), _label(second, j)]
            message += f', labelled {labels[0]} here and {labels[1]} there'
        other = second.table.name(j)
        found.append(_problem(kind, first, i, message, other=other, conflict=bool(conflict)))
    return found


def _identical_pairs(exact: np.ndarray, part: np.ndarray) -> list[tuple[int, int]]:
    """Link each image to the first identical one of every part; all pairs would be too many."""
    _, inverse, counts = np.unique(exact, return_inverse=True, return_counts=True)
    order = np.argsort(inverse, kind='stable')
    pairs = set()
    for members in np.split(order, np.cumsum(counts)[:-1]):
        for image in members if len(members) > 1 else ():
            for k in np.unique(part[members]):
                first = members[part[members] == k][0]
                if first != image:
                    pairs.add((int(min(first, image)), int(max(first, image))))
    return sorted(pairs)


def _label(part: Part, i: int) -> str:
    code = part.table.expression[i]
    return EXPRESSIONS[code] if code >= 0 else 'none'


def _unlisted(parts: list[Part]) -> list[str]:
    """Image files beside those of the parts that belong to none."""
    tables = [part.table for part in parts if part.table.pixels is None]
    known = {Path(table.path(i)) for table in tables for i in range(len(table))}
    notes = []
    for folder in sorted({path.parent for path in known}):
        extra = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p not in known)
        if extra:
            notes.append(f'{len(extra)} images in {folder} belong to no part, as {printable(extra[0].name)}')
    return notes


def _linked(parts: list[Part]) -> list[str]:
    """Images that links below the root lead out of it for: they are read, and whose they are is said."""
    notes = []
    for part in parts:
        if part.table.pixels is not None:
            continue
        root = os.path.realpath(part.table.root)
        real = {folder: os.path.realpath(folder) for folder in {*map(os.path.dirname, part.paths)}}
        outside = []
        for path in part.paths:
            folder, file = os.path.split(path)
            target = os.path.realpath(path) if os.path.islink(path) else f'{real[folder]}/{file}'
            if not target.startswith(f'{root}/'):
                outside.append((path, target))
        if outside:
            path, target = map(printable, outside[0])
            notes.append(f'{part.name}: {len(outside)} images lie elsewhere by links, as {path} in {target}')
    return notes


def leaked(parts: list[Part], problems: list[Problem]) -> list[str]:
    """Return the names to exclude: unreadable images, and training images found in another part."""
    training = parts[0].name
    found = {
        p.file
        for p in problems
        if p.kind == 'unreadable' or (p.kind.endswith('duplicate-across') and p.split == training)
    }
    tables = [part.table for part in parts]
    return sorted(
        table.lasting_name(i) for table in tables for i in range(len(table)) if table.name(i) in found
    )
