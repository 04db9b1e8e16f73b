"""How pictures look: readable on light and dark, and without colour; as SVG and PNG."""

import io
import re
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

INK = '#1b1f24'  # text and axes; takes the page's colour where a figure stands in the page
#: Okabe & Ito's colours, which people with colour-blindness tell apart.
COLORS = ('#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#8C8C8C', '#B8A800')
MARKERS = 'osD^vPX*'
LINES = ('-', '--', '-.', ':')
STYLE: dict[Any, Any] = {
    'font.size': 10,
    'font.family': 'sans-serif',
    'svg.fonttype': 'none',
    'text.color': INK,
    'text.parse_math': False,  # a $ in a class's name is a $
    'axes.labelcolor': INK,
    'axes.edgecolor': INK,
    'axes.facecolor': 'none',
    'axes.titlesize': 10,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'xtick.color': INK,
    'ytick.color': INK,
    'legend.frameon': False,
    'grid.color': '#8c959f',
    'grid.alpha': 0.35,
}


def look(i: int) -> dict[str, Any]:
    """Return colour, marker and line style of the i-th method; colours repeat with other marks."""
    other = i + i // len(COLORS)
    return dict(
        color=COLORS[i % len(COLORS)],
        marker=MARKERS[other % len(MARKERS)],
        linestyle=LINES[other % len(LINES)],
    )


def drawing() -> AbstractContextManager[None]:
    """Return a context in which figures are drawn with this look."""
    return rc_context(STYLE)


def panels(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """Return a figure of panels, each of a size in inches, and their axes row by row."""
    # A browser's font may be wider than the one the layout is made with.
    layout = ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.12)
    figure = Figure(figsize=(columns * size[0], rows * size[1]), layout=layout)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str], **options: Any) -> None:
    """Put a legend under the panels, in as many columns as the figure is wide enough for."""
    entry = 0.7 + 0.09 * max(map(len, labels))  # inches: the mark, then the letters
    columns = max(1, min(len(labels), 4, int(figure.get_figwidth() / entry)))
    figure.legend(handles, labels, loc='outside lower center', ncols=columns, **options)


def to_svg(figure: Figure, name: str) -> str:
    """Render to SVG; the name makes ids unique within a page."""
    text = io.StringIO()
    with rc_context({**STYLE, 'svg.hashsalt': name}):
        undated = {'Date': None, 'Creator': None}
        figure.savefig(text, format='svg', transparent=True, metadata=undated, dpi=150)
    return text.getvalue()


def to_inline(svg: str, name: str, title: str) -> str:
    """Turn an SVG file into an element of a page that follows the page's text colour.

    Args:
        svg: From :func:`to_svg`.
        name: Prefix of its ids.
        title: What it shows, for readers who do not see it.
    """
    svg = svg[svg.index('<svg') :].replace(INK, 'currentColor')
    svg = re.sub(r'<metadata>.*?</metadata>', '', svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'url\(#', f'url(#{name}-', svg)
    svg = re.sub(r'href="#', f'href="#{name}-', svg)
    # The page sizes all figures alike, by their width in inches.
    return re.sub(
        r'<svg (.*?)\bwidth="([\d.]+)pt" height="[\d.]+pt"',
        lambda m: f'<svg role="img" aria-label="{title}" style="--inches: {float(m[2]) / 72:.2f}" {m[1]}',
        svg,
        count=1,
        flags=re.DOTALL,
    )


def to_png(figure: Figure) -> bytes:
    """Render to PNG, on white."""
    png = io.BytesIO()
    with drawing():
        figure.savefig(png, format='png', dpi=150, facecolor='white')
    return png.getvalue()


def figure_to_array(figure: Figure) -> np.ndarray:
    """Render to RGB, uint8, (H, W, 3)."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()  # type: ignore[no-untyped-call]
