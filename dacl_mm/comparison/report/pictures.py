"""The figures of a report, drawn, named and explained."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from jinja2.filters import do_forceescape
from markupsafe import Markup
from matplotlib.figure import Figure

from dacl_mm.comparison.analysis.results import ProtocolResults
from dacl_mm.engine.attention import restored
from dacl_mm.visualization.attention import draw_dependence
from dacl_mm.visualization.style import drawing, to_inline

from . import figures as fig
from .folder import PictureFolder
from .robustness import read_robustness, robustness_figure

#: What draws a figure, its name and its caption.
Entry = tuple[Callable[[], Figure | None], str, str]

FOREST = 'Differences to {} with 95 % intervals over seeds and images. Left of the line is worse.'
RECALL = 'Recall of each class: mean over seeds, and each seed as a dot; in brackets the test images.'
CURVES = (
    'Training loss, and the metric that selects the epoch: mean over seeds, band from lowest to highest '
    'seed. Losses of different methods have different terms and are not comparable.'
)
ATTENTION = (
    'Attention A on the same held-out images before training and after each epoch: its distribution, its '
    'mean and spread, how far it moved, and how much of its variance lies between images (the rest is a '
    'fixed weight of each dimension).'
)
DEPENDENCE = (
    'What A of {} depends on at the end of training, first seed, on held-out images: its mean in each class, '
    'and how far it moves when a part of the face is covered.'
)
MAPS = (
    'Test embeddings of the first seed (t-SNE), large marks are centres. Distances between clusters in such '
    'a map mean little.'
)
DISTANCES = 'Intra-class over inter-class distance of the test embeddings; smaller is more compact.'

ROBUSTNESS = (
    'Accuracy on corrupted test images over the amount of corruption: mean over seeds, band from lowest to '
    'highest seed.'
)


class Picture(NamedTuple):
    """A figure in the page."""

    name: str
    caption: str
    svg: Markup


def draw(entries: Iterable[Entry], folder: PictureFolder) -> list[Picture]:
    """Draw figures, save them and return those that there are."""
    pictures = []
    for make, name, caption in entries:
        with drawing():
            figure = make()
        if figure is not None:
            svg = folder.save_figure(figure, name)
            inline = Markup(to_inline(svg, name, do_forceescape(caption)))
            pictures.append(Picture(name, caption, inline))
    return pictures


def overall(protocols: Sequence[ProtocolResults], folder: PictureFolder) -> list[Picture]:
    """Draw what all protocols say together."""
    caption = FOREST.format(protocols[0].present[0])
    return draw([(lambda: fig.forest(protocols), 'forest', caption)], folder)


def of_protocol(results: ProtocolResults, folder: PictureFolder, tail: str) -> dict[str, list[Picture]]:
    """Draw what one protocol says, by the section of the page.

    Args:
        results: Of the protocol.
        folder: Where they are saved.
        tail: Put after the figures' names.
    """

    def confusions() -> Iterator[Entry]:
        base = results.present[0]
        for i, method in enumerate(results.present):
            caption = f'Confusion of {method}' + ('' if method == base else f', and its change to {base}')
            yield partial(fig.confusion, results, method), f'confusion_{i}', f'{caption}.'

    def dependences() -> Iterator[Entry]:
        for i, method in enumerate(results.present):
            if found := results.runs(method)[0].result.get('attention_diagnosis'):
                caption = DEPENDENCE.format(method)
                yield partial(draw_dependence, restored(found), results.classes), f'dependence_{i}', caption

    sections: dict[str, list[Entry]] = dict(
        scores=[(lambda: fig.recall(results), 'recall', RECALL), *confusions()],
        training=[(lambda: fig.curves(results), 'curves', CURVES)],
        attention_pictures=[(lambda: fig.attention(results), 'attention', ATTENTION), *dependences()],
        robustness_pictures=[(lambda: robustness_figure(read_robustness(results)), 'robustness', ROBUSTNESS)],
        embedding=[
            (lambda: fig.embedding_maps(results), 'embedding', MAPS),
            (lambda: fig.distance_figure(results), 'distances', DISTANCES),
        ],
    )
    return {
        section: draw([(make, name + tail, caption) for make, name, caption in entries], folder)
        for section, entries in sections.items()
    }
