"""What was found, for people and for programs."""

from collections import Counter
from dataclasses import asdict
from typing import Any

import numpy as np

from dacl_mm.datasets.labels import EXPRESSIONS

from .checks import Part, Problem

SHOWN = 5  # examples of each kind


def summarize(layout: str, parts: list[Part], problems: list[Problem], notes: list[str]) -> str:
    """Return the readable summary."""
    lines = [f'layout: {layout}', '', f'{"":12}' + ''.join(f'{part.name:>14}' for part in parts)]
    for name in EXPRESSIONS:
        counts = [part.classes.get(name, 0) for part in parts]
        if any(counts):
            lines.append(f'{name:12}' + ''.join(f'{n:>14,}' for n in counts))
    rest = [int((part.table.expression < 0).sum()) for part in parts]
    if any(rest):
        lines.append(f'{"no label":12}' + ''.join(f'{n:>14,}' for n in rest))
    lines.append(f'{"images":12}' + ''.join(f'{len(part.table):>14,}' for part in parts))
    mean, std = parts[0].statistics()
    lines += ['', f'mean of {parts[0].name} (RGB): {_numbers(mean)}   std: {_numbers(std)}']
    for part in parts:
        sizes = Counter(map(tuple, part.facts['size'][part.readable].tolist())).most_common(3)
        modes = Counter(part.facts['mode'][part.readable].tolist()).most_common()
        shown = ', '.join(f'{w} x {h} ({n:,})' for (w, h), n in sizes)
        lines.append(f'{part.name}: {shown}; modes {", ".join(f"{m.decode()} ({n:,})" for m, n in modes)}')
    lines += ['', *_identical(parts)]
    lines += [f'note: {note}' for note in notes]
    lines.append('')
    for kind, count in Counter(p.kind for p in problems).most_common():
        examples = [p for p in problems if p.kind == kind]
        conflicts = sum(p.conflict for p in examples)
        more = f', {conflicts:,} with conflicting labels' if conflicts else ''
        lines.append(f'{count:,} x {kind}{more}')
        for p in examples[:SHOWN]:
            row = f', row {p.row}' if p.row else ''
            lines.append(f'    {p.file}{row}: {p.message}')
        if count > SHOWN:
            lines.append(f'    ... and {count - SHOWN:,} more (--json lists all)')
    lines.append('problems found' if problems else 'sound: no problem found')
    return '\n'.join(lines)


def _identical(parts: list[Part]) -> list[str]:
    """Images of the other parts that are pixel-identical to training images."""
    training = parts[0].facts['exact'][parts[0].readable]
    lines = []
    for part in parts[1:]:
        count = int(np.isin(part.facts['exact'][part.readable], training).sum())
        lines.append(f'{part.name}: {count:,} images are pixel-identical to images of {parts[0].name}')
    return lines


def _numbers(values: np.ndarray) -> str:
    return '(' + ', '.join(f'{v:.4f}' for v in values) + ')'


def to_json(layout: str, parts: list[Part], problems: list[Problem], notes: list[str]) -> dict[str, Any]:
    """Return everything as plain types: ``layout``, ``splits``, ``problems``, ``notes``, ``statistics``."""
    mean, std = parts[0].statistics()
    return dict(
        layout=layout,
        splits={
            part.name: dict(images=len(part.table), classes=part.classes, published=dict(part.published))
            for part in parts
        },
        statistics=dict(split=parts[0].name, mean=mean.tolist(), std=std.tolist()),
        problems=[asdict(p) for p in problems],
        notes=notes,
    )
