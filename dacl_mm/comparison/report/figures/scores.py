"""Differences, per-class recall and confusion."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dacl_mm.comparison.analysis.results import ProtocolResults
from dacl_mm.comparison.analysis.strata import METRICS
from dacl_mm.visualization.confusion import CHANGES, draw_matrix, shares
from dacl_mm.visualization.style import INK, legend, look, panels

WORDS = {'accuracy': 'accuracy', 'mean_class_accuracy': 'mean-class accuracy'}


def forest(protocols: Sequence[ProtocolResults]) -> Figure | None:
    """Draw each method's difference to the baseline with its 95 % interval, a panel for each metric.

    Returns:
        None where there is one method.
    """
    rows = [(c, m) for c in protocols for m in c.present[1:]]
    if not rows:
        return None
    figure, axes = panels(1, len(METRICS), (4.6, 1.3 + 0.32 * len(rows)))
    for axis, metric in zip(axes, METRICS):
        for y, (results, method) in enumerate(rows):
            d = next((d for d in results.against_baseline(metric) if d.a == method), None)
            if d is None:
                continue
            style = look(results.methods.index(method))
            axis.plot([d.low, d.high], [y, y], color=style['color'], linewidth=2, solid_capstyle='butt')
            axis.plot(d.mean, y, marker=style['marker'], color=style['color'], markersize=8)
        axis.axvline(0, color=INK, linewidth=1)
        several = len(protocols) > 1
        names = [f'{m} ({c.protocol})' if several else m for c, m in rows]
        axis.set_yticks(range(len(rows)), names)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.grid(axis='x')
        axis.set_xlabel(f'{WORDS[metric]}, points')
    return figure


def recall(results: ProtocolResults) -> Figure:
    """Draw the recall of each class: the mean over seeds, and each seed as a small mark."""
    count = len(results.present)
    figure, (axis,) = panels(1, 1, (8.5, 3.5 + 0.22 * -(-count // 3)))
    for i, method in enumerate(results.present):
        style = look(results.methods.index(method))
        values = np.array([
            [run.result['metrics'].get(f'fer/recall/{name}', np.nan) for name in results.classes]
            for run in results.runs(method)
        ])  # fmt: skip
        x = np.arange(len(results.classes)) + (i - (count - 1) / 2) * 0.8 / count
        for row in values:
            axis.plot(x, row, '.', color=style['color'], alpha=0.45, markersize=4)
        axis.plot(
            x,
            np.nanmean(values, 0),
            linestyle='none',
            marker=style['marker'],
            color=style['color'],
            label=method,
        )
    support = np.bincount(results.any_run.label, minlength=len(results.classes))
    axis.set_xticks(
        range(len(results.classes)), [f'{name}\n({n})' for name, n in zip(results.classes, support)]
    )
    axis.set(ylabel='recall, %', ylim=(-2, 102))
    axis.grid(axis='y')
    legend(figure, *axis.get_legend_handles_labels())
    return figure


def confusion(results: ProtocolResults, method: str) -> Figure:
    """Draw counts (all seeds together), shares of the labelled class, and the change to the baseline."""
    counts = results.confusion(method)
    share = shares(counts)
    change = share - shares(results.confusion(results.present[0]))
    drawn: list[tuple[str, np.ndarray, list[list[str]], dict[str, Any]]] = [
        ('images, all seeds', share, counts.astype(str).tolist(), {}),
        ('% of the labelled class', share, np.char.mod('%.0f', share).tolist(), {}),
    ]
    if method != results.present[0]:
        limit = max(float(np.abs(change).max()), 1.0)
        title = f'points more than {results.present[0]}'
        options: dict[str, Any] = dict(colors=CHANGES, limits=(-limit, limit))
        drawn.append((title, change, np.char.mod('%+.1f', change).tolist(), options))
    figure, axes = panels(1, len(drawn), (4.1, 4.3))
    for axis, (title, values, cells, options) in zip(axes, drawn):
        draw_matrix(axis, values, cells, results.classes, **options)
        axis.set_title(title)
    return figure
