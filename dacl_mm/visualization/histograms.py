"""Histograms of classes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from .style import drawing, legend, look


def draw_class_histogram(counts: Mapping[str, Sequence[int]], classes: Sequence[str]) -> Figure:
    """Draw the share of each class in each part, with the number of images on each bar.

    Args:
        counts: Part -> images of each class, (K,).
        classes: K names.
    """
    with drawing():
        figure = Figure(figsize=(8, 4), layout='constrained')
        axis = figure.subplots()
        width = 0.8 / len(counts)
        for i, (part, numbers) in enumerate(counts.items()):
            images = np.asarray(numbers)
            x = np.arange(len(classes)) + (i - (len(counts) - 1) / 2) * width
            share = 100 * images / max(images.sum(), 1)
            bars = axis.bar(x, share, width, label=f'{part} ({images.sum():,})', color=look(i)['color'])
            axis.bar_label(bars, [f'{n:,}' for n in images], fontsize=7)
        axis.set_xticks(range(len(classes)), classes)
        axis.set_ylabel('share of the part (%)')
        legend(figure, *axis.get_legend_handles_labels())
    return figure
