"""Where the embeddings of the test images lie."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from dacl_mm.comparison.analysis.results import Finished, ProtocolResults
from dacl_mm.visualization.style import COLORS, INK, MARKERS, legend, look, panels

MAX_POINTS = 1000


def embedding_maps(results: ProtocolResults) -> Figure:
    """Draw a t-SNE map of each method's first seed, classes by colour, class centres as large marks.

    The centres are those that the centre loss learned, where the method has them, else
    the class means; they are embedded together with the images.
    """
    methods = results.present
    columns = min(len(methods), 3)
    figure, axes = panels(-(-len(methods) // columns), columns, (3.3, 3.4))
    for axis, method in zip(axes, methods):
        _map(axis, results.runs(method)[0], results.classes)
        learned = 'centers' in results.runs(method)[0].arrays
        axis.set_title(f'{method} ({"centres" if learned else "class means"})')
    for axis in axes[len(methods) :]:
        axis.set_axis_off()
    legend(figure, *axes[0].get_legend_handles_labels(), markerscale=3)
    return figure


def _map(axis: Axes, run: Finished, classes: Sequence[str]) -> None:
    step = max(len(run.label) // MAX_POINTS, 1)
    label = run.label[::step]
    points = run.arrays['embedding'][::step].astype(np.float32)
    centers = run.arrays.get('centers')
    if centers is None:
        centers = run.class_means
        center_class = np.unique(run.label)
    else:
        center_class = np.arange(len(centers))
    everything = np.concatenate([points, centers])
    reduced = PCA(min(50, *everything.shape), random_state=0).fit_transform(everything)
    perplexity = min(30, (len(everything) - 1) / 3)
    with threadpool_limits(1):  # its short parallel loops wait for each other on a busy machine
        flat = TSNE(perplexity=perplexity, init='pca', random_state=0).fit_transform(reduced)
    for k, name in enumerate(classes):
        style: dict[str, Any] = dict(color=COLORS[k % len(COLORS)], marker=MARKERS[k % len(MARKERS)])
        own = flat[: len(points)][label == k]
        axis.scatter(own[:, 0], own[:, 1], s=5, linewidths=0, alpha=0.7, label=name, rasterized=True, **style)
        at = flat[len(points) :][center_class == k]
        axis.scatter(at[:, 0], at[:, 1], s=110, edgecolors=INK, linewidths=1.2, zorder=3, **style)
    axis.set_xticks([])
    axis.set_yticks([])
    for spine in axis.spines.values():
        spine.set_visible(False)


def distance_figure(results: ProtocolResults) -> Figure:
    """Draw intra-class over inter-class distance, one mark for each seed: smaller is more compact."""
    figure, (axis,) = panels(1, 1, (7, 1.2 + 0.36 * len(results.present)))
    for y, method in enumerate(results.present):
        style = look(results.methods.index(method))
        ratios = [intra / inter for intra, inter in (run.distances for run in results.runs(method))]
        axis.plot(ratios, [y] * len(ratios), linestyle='none', alpha=0.5, marker='.', color=style['color'])
        axis.plot(np.mean(ratios), y, marker=style['marker'], color=style['color'], markersize=8)
    axis.set_yticks(range(len(results.present)), results.present)
    axis.set_ylim(len(results.present) - 0.5, -0.5)
    axis.set_xlim(left=0)
    axis.set_xlabel('distance to the own class mean / distance between class means')
    axis.grid(axis='x')
    return figure
