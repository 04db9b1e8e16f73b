"""Confusion matrices."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap
from matplotlib.figure import Figure

from .style import INK, drawing

#: From nothing, so that the page shows through, to full.
SHARES = LinearSegmentedColormap.from_list('shares', ['#0072B200', '#0072B2'])
CHANGES = LinearSegmentedColormap.from_list('changes', ['#A84300', '#A8430000', '#0072B200', '#0072B2'])


def draw_confusion_matrix(confusion: np.ndarray, classes: Sequence[str], title: str = '') -> Figure:
    """Draw recall as colour, with percentage and count in each cell.

    Args:
        confusion: Counts, (K, K): row = label, column = prediction.
        classes: K names.
        title: Put above.
    """
    share = shares(confusion)
    k = len(classes)
    cells = [[f'{share[i, j]:.0f}\n({confusion[i, j]})' for j in range(k)] for i in range(k)]
    rows = [f'{name} ({n})' for name, n in zip(classes, confusion.sum(1))]
    with drawing():
        figure = Figure(figsize=(1.6 + 0.8 * k, 1.4 + 0.75 * k), layout='constrained', dpi=120)
        axis = figure.subplots()
        draw_matrix(axis, share, cells, classes, rows)
        axis.set(ylabel='labelled (images)', title=title)
        figure.colorbar(axis.collections[0], label='% of the labelled class', shrink=0.8)
    return figure


def shares(confusion: np.ndarray) -> np.ndarray:
    """Return counts, (K, K), in percent of their row; a row without images is 0."""
    return np.asarray(100 * confusion / np.maximum(confusion.sum(1, keepdims=True), 1))


def draw_matrix(
    axis: Axes,
    values: np.ndarray,
    cells: Sequence[Sequence[str]],
    classes: Sequence[str],
    rows: Sequence[str] | None = None,
    colors: Colormap = SHARES,
    limits: tuple[float, float] = (0, 100),
) -> None:
    """Draw a matrix of cells with colour and text.

    Args:
        axis: Where.
        values: What colours the cells, (K, K).
        cells: Text of the cells.
        classes: K names, of the predictions.
        rows: K names of the labels, if they say more.
        colors: Colour map.
        limits: Values of its ends.
    """
    mesh = axis.pcolormesh(values, cmap=colors, vmin=limits[0], vmax=limits[1])
    k = len(classes)
    for i in range(k):
        for j in range(k):
            opacity = colors(mesh.norm(values[i, j]))[3]
            color = 'white' if opacity > 0.55 else INK
            axis.text(j + 0.5, i + 0.5, cells[i][j], ha='center', va='center', fontsize=8, color=color)
    axis.set_xticks(np.arange(k) + 0.5, classes, rotation=45, ha='right')
    axis.set_yticks(np.arange(k) + 0.5, rows or classes)
    axis.invert_yaxis()
    axis.set_aspect('equal')
    axis.spines[:].set_visible(True)
    axis.set(xlabel='predicted', ylabel='labelled')
