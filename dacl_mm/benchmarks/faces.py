"""The images of a benchmark: class folders of a given size, from real files or drawn."""

from pathlib import Path

from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.datasets.readers.class_folders import SUFFIXES, files, subfolders
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.errors import DatasetError

SIDE = 100  # px, of RAF-DB's aligned faces
MOST_DRAWN = 1024  # files; more images are links to these


def class_folders(out: Path, train: int, test: int, source: Path | None = None) -> Path:
    """Lay out ``train`` and ``test`` with one folder a class, ``00`` to ``06``; classes take turns.

    Args:
        out: Folder to fill.
        train: Images of the part 'train'.
        test: Images of the part 'test'.
        source: Folder that holds such parts (the second may be called ``valid``); links lead to its
            images, to some several times where it has too few. None draws synthetic faces.

    Raises:
        DatasetError: If the source lacks a part, or a part has no images.
    """
    for part, count in (('train', train), ('test', test)):
        found = _draw(out / 'drawn', part, count) if source is None else _find(source, part)
        for i in range(count):
            label, number = i % len(found), i // len(found)
            file = found[label][number % len(found[label])]
            link = out / part / f'{label:02d}' / f'{number:06d}{file.suffix}'
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file.resolve())
    return out


def _find(source: Path, part: str) -> list[list[Path]]:
    """Return the image files of each class."""
    names = [part] if part == 'train' else [part, 'valid']
    folder = next((source / name for name in names if (source / name).is_dir()), None)
    if folder is None:
        raise DatasetError(
            f'--data {source} has no folder {" or ".join(names)}: it should hold class folders'
        )
    classes = [
        [folder / name / file for file in files(folder / name) if file.lower().endswith(SUFFIXES)]
        for name in subfolders(folder)
    ]
    if len(classes) != len(PAPER_CLASSES) or not all(classes):
        raise DatasetError(f'{folder} should hold {len(PAPER_CLASSES)} class folders with images in each')
    return classes


def _draw(folder: Path, part: str, count: int) -> list[list[Path]]:
    """Draw at most :data:`MOST_DRAWN` faces; return the files of each class."""
    from PIL import Image

    classes: list[list[Path]] = [[] for _ in PAPER_CLASSES]
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(min(count, MOST_DRAWN)):
        label = i % len(classes)
        path = folder / f'{part}_{i:06d}.jpg'
        bgr = draw_face(PAPER_CLASSES[label], i + (part == 'test') * MOST_DRAWN, SIDE)
        Image.fromarray(bgr[..., ::-1]).save(path, quality=95)
        classes[label].append(path)
    return classes
