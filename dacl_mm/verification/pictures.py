"""Pictures of a data set: classes, images of each class, duplicates."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from dacl_mm.datasets.images import open_image, to_bgr
from dacl_mm.datasets.labels import EXPRESSIONS
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import UnreadableImageError
from dacl_mm.visualization import contact_sheet, draw_class_histogram

from .checks import Part, Problem

NUM_IMAGES = 60  # on a sheet


def load(table: SampleTable, i: int) -> np.ndarray | None:
    """Return an image as RGB, (H, W, 3); None where it cannot be read."""
    try:
        if table.pixels is not None:
            return np.asarray(Image.fromarray(table.pixels[i].numpy()).convert('RGB'))
        return to_bgr(open_image(table.path(i)))[..., ::-1]
    except UnreadableImageError:
        return None


def draw_pictures(parts: list[Part], problems: list[Problem], folder: Path) -> list[Path]:
    """Write all pictures to a folder and return their paths.

    ``classes.png``; ``class_<name>.png``, a sheet of images spread evenly over
    the training part; ``duplicates.png``, the first pairs, across parts first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name in EXPRESSIONS if any(part.classes.get(name) for part in parts)]
    paths = [folder / 'classes.png']
    counts = {part.name: [part.classes.get(name, 0) for name in names] for part in parts}
    draw_class_histogram(counts, names).savefig(paths[0], dpi=120)
    training = parts[0].table
    for code, name in enumerate(EXPRESSIONS):
        index = np.flatnonzero(training.expression == code)
        if not len(index):
            continue
        chosen = index[np.linspace(0, len(index) - 1, min(len(index), NUM_IMAGES)).astype(int)]
        paths.append(folder / f'class_{name}.png')
        captions = [Path(training.name(i)).name for i in chosen]
        contact_sheet([load(training, i) for i in chosen], captions).save(paths[-1])
    pairs = [p for p in problems if 'duplicate' in p.kind]
    pairs.sort(key=lambda p: 'within' in p.kind)
    if pairs:
        paths.append(folder / 'duplicates.png')
        _pairs_sheet(parts, pairs[: NUM_IMAGES // 2]).save(paths[-1])
    return paths


def _pairs_sheet(parts: Sequence[Part], pairs: Sequence[Problem]) -> Image.Image:
    places = {part.table.name(i): (part, i) for part in parts for i in range(len(part.table))}
    images, captions = [], []
    for file in (file for pair in pairs for file in (pair.file, pair.other)):
        part, i = places[file]
        code = part.table.expression[i]
        images.append(load(part.table, i))
        captions.append(f'{part.name} {EXPRESSIONS[code] if code >= 0 else "no label"}')
    return contact_sheet(images, captions)
