"""Pictures of a data set: histograms, contact sheets, duplicates."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageDraw

from dacl_mm.datasets.images import open_image, to_bgr
from dacl_mm.datasets.labels import EXPRESSIONS
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import UnreadableImageError

from .checks import Part, Problem

TILE, COLUMNS, ROWS = 96, 10, 6
CAPTION = 14


def load(table: SampleTable, i: int) -> Image.Image:
    """Return an image as RGB, fitted into a tile; a crossed tile where it cannot be read."""
    tile = Image.new('RGB', (TILE, TILE), 'white')
    try:
        if table.pixels is not None:
            image = Image.fromarray(table.pixels[i].numpy()).convert('RGB')
        else:
            image = Image.fromarray(to_bgr(open_image(table.path(i)))[..., ::-1])
    except UnreadableImageError:
        draw = ImageDraw.Draw(tile)
        draw.line((0, 0, TILE, TILE), fill='red')
        draw.line((0, TILE, TILE, 0), fill='red')
        return tile
    scale = TILE / max(image.size)
    image = image.resize([max(1, round(side * scale)) for side in image.size])
    tile.paste(image, ((TILE - image.width) // 2, (TILE - image.height) // 2))
    return tile


def sheet(tiles: list[tuple[Image.Image, str]], columns: int = COLUMNS) -> Image.Image:
    """Arrange (tile, caption) pairs on a sheet."""
    rows = -(-len(tiles) // columns)
    step = TILE + CAPTION
    page = Image.new('RGB', (columns * (TILE + 4), rows * (step + 4)), 'white')
    draw = ImageDraw.Draw(page)
    for k, (tile, caption) in enumerate(tiles):
        x, y = k % columns * (TILE + 4), k // columns * (step + 4)
        page.paste(tile, (x, y))
        draw.text((x + 2, y + TILE), caption[: TILE // 6], fill='black')
    return page


def histogram(parts: list[Part]) -> Figure:
    """Draw the share of each class in each part."""
    figure = Figure(figsize=(8, 4), layout='constrained')
    axes = figure.subplots()
    names = [name for name in EXPRESSIONS if any(part.classes.get(name) for part in parts)]
    width = 0.8 / len(parts)
    for k, part in enumerate(parts):
        counts = np.array([part.classes.get(name, 0) for name in names])
        x = np.arange(len(names)) + (k - (len(parts) - 1) / 2) * width
        bars = axes.bar(
            x, 100 * counts / max(counts.sum(), 1), width, label=f'{part.name} ({counts.sum():,})'
        )
        axes.bar_label(bars, [f'{n:,}' for n in counts], fontsize=7)
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel('share of the part (%)')
    axes.spines[['top', 'right']].set_visible(False)
    axes.legend(frameon=False)
    return figure


def draw_pictures(parts: list[Part], problems: list[Problem], folder: Path) -> list[Path]:
    """Write all pictures to a folder and return their paths.

    ``classes.png``; ``class_<name>.png``, a sheet of images spread evenly over
    the training part; ``duplicates.png``, the first pairs, across parts first.
    """
    matplotlib.use('Agg')
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / 'classes.png']
    histogram(parts).savefig(paths[0], dpi=120)
    training = parts[0].table
    for code, name in enumerate(EXPRESSIONS):
        index = np.flatnonzero(training.expression == code)
        if not len(index):
            continue
        chosen = index[np.linspace(0, len(index) - 1, min(len(index), COLUMNS * ROWS)).astype(int)]
        paths.append(folder / f'class_{name}.png')
        sheet([(load(training, i), Path(training.name(i)).name) for i in chosen]).save(paths[-1])
    pairs = [p for p in problems if 'duplicate' in p.kind]
    pairs.sort(key=lambda p: 'within' in p.kind)
    if pairs:
        places = {part.table.name(i): (part, i) for part in parts for i in range(len(part.table))}
        tiles = []
        for p in pairs[: COLUMNS * ROWS // 2]:
            for file in (p.file, p.other):
                part, i = places[file]
                code = part.table.expression[i]
                label = EXPRESSIONS[code] if code >= 0 else 'no label'
                tiles.append((load(part.table, i), f'{part.name} {label}'))
        paths.append(folder / 'duplicates.png')
        sheet(tiles).save(paths[-1])
    return paths
