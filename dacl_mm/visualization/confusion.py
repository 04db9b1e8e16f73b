"""The confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_confusion_matrix(confusion: np.ndarray, classes: Sequence[str], title: str = '') -> Figure:
    """Draw recall as colour, with percentage and count in each cell.

    Args:
        confusion: Counts, (K, K): row = label, column = prediction.
        classes: K names.
        title: Put above.
    """
    support = confusion.sum(1, keepdims=True)
    share = np.divide(confusion, support, out=np.zeros(confusion.shape), where=support > 0)
    k = len(classes)
    figure = Figure(figsize=(1.6 + 0.8 * k, 1.4 + 0.75 * k), layout='constrained', dpi=120)
    axes = figure.subplots()
    image = axes.imshow(100 * share, cmap='Blues', vmin=0, vmax=100)
    for i in range(k):
        for j in range(k):
            axes.text(
                j,
                i,
                f'{100 * share[i, j]:.0f}\n({confusion[i, j]})',
                ha='center',
                va='center',
                fontsize=9,
                color='white' if share[i, j] > 0.55 else 'black',
            )
    axes.set_xticks(range(k), classes, rotation=45, ha='right')
    axes.set_yticks(range(k), [f'{name} ({n})' for name, n in zip(classes, support[:, 0])])
    axes.set(xlabel='predicted', ylabel='labelled (images)', title=title)
    figure.colorbar(image, label='% of the labelled class', shrink=0.8)
    return figure


def figure_to_array(figure: Figure) -> np.ndarray:
    """Render a figure to RGB, uint8, (H, W, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
