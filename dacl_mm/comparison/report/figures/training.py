"""Curves over the epochs: scores, losses, attention."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from dacl_mm.comparison.analysis.results import ProtocolResults
from dacl_mm.visualization.style import legend, look, panels


def curves(results: ProtocolResults) -> Figure:
    """Draw training loss and selection metric: mean over seeds, the band from lowest to highest."""
    figure, axes = panels(1, 2, (4.6, 3.4))
    for method in results.present:
        runs = results.runs(method)
        style = {**look(results.methods.index(method)), 'markersize': 4}
        loss = np.array([run.result['loss'] for run in runs], float)
        score = np.array([run.selection_values for run in runs])
        epochs = [v['epoch'] for v in runs[0].result['validation']]
        _band(axes[0], range(1, loss.shape[1] + 1), loss, style, method)
        _band(axes[1], epochs, score, style, method)
    what = 'the test split' if results.protocol == 'paper' else 'the held-out part'
    axes[0].set(xlabel='epoch', ylabel='training loss (all terms)')
    metric = results.any_run.selection_metric.removeprefix('fer/').removesuffix('/top1').replace('_', ' ')
    axes[1].set(xlabel='epoch', ylabel=f'{metric} on {what}, %')
    _finish(figure, axes)
    return figure


def attention(results: ProtocolResults) -> Figure | None:
    """Draw what A does, or None where no method has an attention network.

    Its distribution at the start and at the end, its mean with its spread, how far it
    moved from its start, and how much of it depends on the image.
    """
    methods = [m for m in results.present if results.runs(m)[0].result['attention']]
    if not methods:
        return None
    figure, axes = panels(2, 2, (4.6, 3.2))
    for method in methods:
        style = {**look(results.methods.index(method)), 'markersize': 4}
        records = [run.result['attention'] for run in results.runs(method)]
        epochs = [row['epoch'] for row in records[0]]
        histograms = np.array([[row['histogram'] for row in record] for record in records], float).mean(0)
        edges = np.linspace(0, 1, histograms.shape[1] + 1)
        for row, line in ((histograms[0], ':'), (histograms[-1], '-')):
            lines = dict(color=style['color'], linestyle=line, linewidth=1.6)
            axes[0].stairs(100 * row, edges, **lines)
        for axis, key, factor in ((axes[1], 'mean', 1), (axes[2], 'shift', 1), (axes[3], 'input_share', 100)):
            values = factor * np.array([[row[key] for row in record] for record in records], float)
            _band(axis, epochs, values, style, method)
        spread = np.array([[row['spread'] for row in record] for record in records], float).mean(0)
        axes[1].plot(epochs, spread, color=style['color'], linestyle=':')
    axes[0].set(xlabel='A (dotted: at the start)', ylabel='% of all weights', xlim=(0, 1))
    axes[1].set(xlabel='epoch', ylabel='mean of A (dotted: spread)', ylim=(0, 1))
    axes[2].set(xlabel='epoch', ylabel='mean |A - A at the start|')
    axes[3].set(xlabel='epoch', ylabel='variance of A between images, %', ylim=(0, 100))
    for axis in axes[2:]:
        axis.set_ylim(bottom=0)
    axes[0].grid(axis='y')
    _finish(figure, axes[1:])
    return figure


def _band(axis: Axes, x: Sequence[int], values: np.ndarray, style: dict[str, Any], label: str) -> None:
    axis.plot(x, values.mean(0), label=label, **style)
    if len(values) > 1:
        axis.fill_between(x, values.min(0), values.max(0), color=style['color'], alpha=0.15, linewidth=0)


def _finish(figure: Figure, axes: Sequence[Axes]) -> None:
    for axis in axes:
        axis.grid(axis='y')
        first, last = axis.dataLim.intervalx
        if first == last:  # one epoch
            axis.set_xlim(first - 0.5, last + 0.5)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    legend(figure, *axes[0].get_legend_handles_labels())
