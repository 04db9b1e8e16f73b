"""Differences, per-class recall and confusion."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from dacl_mm.comparison.analysis.results import Column
from dacl_mm.comparison.analysis.strata import METRICS

from .style import INK, look, panels

WORDS = {'accuracy': 'accuracy', 'mean_class_accuracy': 'mean-class accuracy'}


def forest(columns: Sequence[Column]) -> Figure | None:
    """Draw each method's difference to the baseline with its 95 % interval, a panel for each metric.

    Returns:
        None where there is one method.
    """
    rows = [(c, m) for c in columns for m in c.present[1:]]
    if not rows:
        return None
    figure, axes = panels(1, len(METRICS), (4.6, 1.3 + 0.32 * len(rows)))
    for axis, metric in zip(axes, METRICS):
        for y, (column, method) in enumerate(rows):
            d = next((d for d in column.against_baseline(metric) if d.a == method), None)
            if d is None:
                continue
            style = look(column.methods.index(method))
            axis.plot([d.low, d.high], [y, y], color=style['color'], linewidth=2, solid_capstyle='butt')
            axis.plot(d.mean, y, marker=style['marker'], color=style['color'], markersize=8)
        axis.axvline(0, color=INK, linewidth=1)
        several = len(columns) > 1
        names = [f'{m} ({c.protocol})' if several else m for c, m in rows]
        axis.set_yticks(range(len(rows)), names)
        axis.set_ylim(len(rows) - 0.5, -0.5)
        axis.grid(axis='x')
        axis.set_xlabel(f'{WORDS[metric]}, points')
    return figure


def recall(column: Column) -> Figure:
    """Draw the recall of each class: the mean over seeds, and each seed as a small mark."""
    count = len(column.present)
    figure, (axis,) = panels(1, 1, (8.5, 3.5 + 0.22 * -(-count // 3)))
    for i, method in enumerate(column.present):
        style = look(column.methods.index(method))
        values = np.array([
            [run.result['metrics'].get(f'fer/recall/{name}', np.nan) for name in column.classes]
            for run in column.runs(method)
        ])  # fmt: skip
        x = np.arange(len(column.classes)) + (i - (count - 1) / 2) * 0.8 / count
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
    support = np.bincount(column.any_run.label, minlength=len(column.classes))
    axis.set_xticks(
        range(len(column.classes)), [f'{name}\n({n})' for name, n in zip(column.classes, support)]
    )
    axis.set(ylabel='recall, %', ylim=(-2, 102))
    axis.grid(axis='y')
    figure.legend(loc='outside lower center', ncols=min(count, 3))
    return figure


def confusion(column: Column, method: str) -> Figure:
    """Draw counts (all seeds together), shares of the labelled class, and the change to the baseline."""
    counts, base = (column.confusion(m) for m in (method, column.present[0]))
    share, base_share = (
        100 * c / np.maximum(c.sum(1, keepdims=True), 1) for c in (counts, base)
    )  # fmt: skip
    own = method != column.present[0]
    figure, axes = panels(1, 3 if own else 2, (4.3, 4.3))
    _matrix(axes[0], counts, share, column.classes, '{:.0f}', 'images, all seeds', 'Blues', (0, 100))
    _matrix(axes[1], share, share, column.classes, '{:.0f}', '% of the labelled class', 'Blues', (0, 100))
    if own:
        change = share - base_share
        limit = max(float(np.abs(change).max()), 1.0)
        title = f'points more than {column.present[0]}'
        _matrix(axes[2], change, change, column.classes, '{:+.1f}', title, 'PuOr', (-limit, limit))
    return figure


def _matrix(axis, values, color, classes, form, title, cmap, limits) -> None:
    mesh = axis.pcolormesh(color, cmap=cmap, vmin=limits[0], vmax=limits[1], edgecolors='white', linewidth=1)
    k = len(classes)
    for i in range(k):
        for j in range(k):
            r, g, b, _ = mesh.cmap(mesh.norm(color[i, j]))
            dark = 0.299 * r + 0.587 * g + 0.114 * b < 0.55
            axis.text(
                j + 0.5,
                i + 0.5,
                form.format(values[i, j]),
                ha='center',
                va='center',
                fontsize=8,
                color='white' if dark else 'black',
            )
    axis.set_xticks(np.arange(k) + 0.5, classes, rotation=45, ha='right')
    axis.set_yticks(np.arange(k) + 0.5, classes)
    axis.invert_yaxis()
    axis.set_aspect('equal')
    axis.set(title=title, xlabel='predicted', ylabel='labelled')
