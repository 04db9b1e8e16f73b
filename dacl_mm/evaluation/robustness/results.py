"""What a model loses on corrupted images, as plain numbers and as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .corruptions import CORRUPTIONS

#: What the tables show, in percent.
METRICS = {'accuracy/top1': 'accuracy', 'fer/mean_class_accuracy': 'mean-class accuracy'}

#: Metrics of a kind at the strengths, by key.
Rows = Sequence[Mapping[str, float]]


def as_dict(
    clean: Mapping[str, float], found: Mapping[str, Rows], strengths: Sequence[int]
) -> dict[str, Any]:
    """Return what ``robustness.json`` holds: metrics by key, of the clean images and of each case."""
    return dict(
        clean=dict(clean),
        strengths=list(strengths),
        corruptions={
            kind: dict(
                unit=CORRUPTIONS[kind].unit,
                amounts=[CORRUPTIONS[kind].amounts[strength - 1] for strength in strengths],
                metrics=[dict(row) for row in rows],
            )
            for kind, rows in found.items()
        },
    )


def curve(result: Mapping[str, Any], kind: str, metric: str) -> list[float]:
    """Return a metric of the clean images and at each strength of a kind, (1 + S,)."""
    rows = result['corruptions'][kind]['metrics']
    return [float(row[metric]) for row in (result['clean'], *rows)]


def axes(result: Mapping[str, Any]) -> dict[str, tuple[list[float], str]]:
    """Return kind -> its amounts at the strengths, and their unit."""
    return {kind: (found['amounts'], found['unit']) for kind, found in result['corruptions'].items()}


def means(result: Mapping[str, Any], metric: str) -> dict[str, float]:
    """Return a metric's mean over the strengths of each kind."""
    return {kind: float(np.mean(curve(result, kind, metric)[1:])) for kind in result['corruptions']}


def table(result: Mapping[str, Any]) -> str:
    """Format each metric at each strength, its mean over them, and that as a share of the clean one."""
    strengths = [f'{strength}' for strength in result['strengths']]
    width = max(map(len, [*result['corruptions'], 'all kinds'])) + 2
    lines = []
    for metric, name in METRICS.items():
        clean, mean = result['clean'][metric], means(result, metric)
        overall = float(np.mean(list(mean.values())))
        lines += [f'{name} (%), {clean:.2f} on clean images, by strength:']
        lines += [' ' * width + ''.join(f'{cell:>9}' for cell in (*strengths, 'mean', 'of clean'))]
        for kind in result['corruptions']:
            cells = [*curve(result, kind, metric)[1:], mean[kind], 100 * mean[kind] / max(clean, 1e-9)]
            lines += [f'{kind:<{width}}' + ''.join(f'{cell:9.2f}' for cell in cells)]
        blank = ' ' * 9 * len(strengths)
        lines += [f'{"all kinds":<{width}}{blank}{overall:9.2f}{100 * overall / max(clean, 1e-9):9.2f}', '']
    return '\n'.join(lines).rstrip()
