"""Curves over the strength of corruptions."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import drawing, legend, look, panels

COLUMNS = 4


def draw_strengths(
    kinds: Mapping[str, tuple[Sequence[float], str]],
    curves: Mapping[str, Mapping[str, np.ndarray]],
    ylabel: str,
) -> Figure:
    """Draw a panel for each kind: mean over runs, and a band from the lowest to the highest.

    Args:
        kinds: Kind -> its amounts at the strengths, (S,), and their unit.
        curves: Line -> kind -> values of each run on clean images and at each strength, (R, 1 + S).
        ylabel: What the values are.
    """
    with drawing():
        columns = min(len(kinds), COLUMNS)
        figure, axes = panels(-(-len(kinds) // columns), columns, (2.9, 2.7))
        for axis, (kind, (steps, unit)) in zip(axes, kinds.items()):
            x = np.arange(1 + len(steps))
            for i, (line, values) in enumerate(curves.items()):
                style = {**look(i), 'markersize': 4}
                axis.plot(x, values[kind].mean(0), label=line, **style)
                low, high = values[kind].min(0), values[kind].max(0)
                axis.fill_between(x, low, high, color=style['color'], alpha=0.15, linewidth=0)
            axis.set_xticks(x, ['clean', *(f'{step:g}' for step in steps)], fontsize=8)
            axis.set(title=kind.replace('_', ' '), xlabel=unit, ylim=(0, 100))
            axis.grid(axis='y')
        for axis in axes[len(kinds) :]:
            axis.set_axis_off()
        for axis in axes[::columns]:
            axis.set_ylabel(ylabel)
        legend(figure, *axes[0].get_legend_handles_labels())
    return figure
