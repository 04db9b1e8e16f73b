"""Pictures of what an attention depends on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .confusion import CHANGES
from .style import INK, drawing, look, panels

MOST = 40  # dimensions in the map


def draw_dependence(found: Mapping[str, Any], classes: Sequence[str]) -> Figure:
    """Draw mean A of each class in the dimensions that vary most, and what moves A.

    Args:
        found: As :func:`dacl_mm.engine.attention.describe_attention` returns it.
        classes: K names, by class index.
    """
    with drawing():
        figure, (left, right) = panels(1, 2, (5.4, 3.4))
        means = np.array(list(found['class_means'].values()), float)  # (K', d)
        shown = np.argsort(-means.var(0), kind='stable')[:MOST]
        limit = max(float(np.abs(means[:, shown]).max()), 1e-9)
        drawn = left.imshow(means[:, shown], cmap=CHANGES, vmin=-limit, vmax=limit, aspect='auto')
        left.set_yticks(range(len(means)), [classes[int(k)] for k in found['class_means']])
        left.set(xlabel=f'the {len(shown)} dimensions that differ most between classes', xticks=[])
        figure.colorbar(drawn, label="A less all images' mean")
        bars = {name: region['mean'] for name, region in found['regions'].items()}
        bars['control area'] = next(iter(found['regions'].values()))['control']
        right.barh(list(bars), list(bars.values()), color=[look(i)['color'] for i in range(len(bars))])
        right.axvline(1, color=INK, linewidth=1)
        right.invert_yaxis()
        right.set(xlabel='how far covering it moves A\n(1: as far as to another image)')
        right.grid(axis='x')
    return figure
