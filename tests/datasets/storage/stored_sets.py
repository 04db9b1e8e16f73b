"""A data set of every kind of image file, and how to build it with a storage."""

import io
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from dacl_mm.datasets.images import LoadFace
from dacl_mm.datasets.readers.folder import FERFolder

TRAIN = [
    dict(type='LoadFace'),
    dict(type='ResizeEdge', scale=40, edge='short', backend='pillow'),
    dict(type='RandomFiveCrop', crop_size=32),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='PackInputs'),
]
TEST = [TRAIN[0], TRAIN[1], dict(type='CenterCrop', crop_size=32), TRAIN[4]]


def noise(seed: int, width: int, height: int) -> np.ndarray:
    """RGB; no two seeds are near-duplicates."""
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height)))


def exif(orientation: int) -> Image.Exif:
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


def transparent_palette(rgb: np.ndarray) -> Image.Image:
    image = Image.fromarray(rgb).convert('P', palette=Image.Palette.ADAPTIVE)
    image.info['transparency'] = 3
    return image


def rgba(rgb: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([rgb, rgb[..., 0]]))


# Kind -> (suffix, image from RGB, options of save)
KINDS = {
    'jpg': ('jpg', Image.fromarray, dict(quality=90)),
    'CMYK': ('jpg', lambda rgb: Image.fromarray(rgb).convert('CMYK'), {}),
    'turned': ('jpg', Image.fromarray, dict(exif=exif(6))),
    'mirrored': ('jpg', Image.fromarray, dict(exif=exif(2))),
    'png': ('png', Image.fromarray, {}),
    'grey': ('png', lambda rgb: Image.fromarray(rgb[..., 0]), {}),
    'bits': ('png', lambda rgb: Image.fromarray(rgb).convert('1'), {}),
    '16 bit': ('png', lambda rgb: Image.fromarray(rgb[..., 0].astype(np.uint16) * 255), {}),
    'RGBA': ('png', rgba, {}),
    'LA': ('png', lambda rgb: rgba(rgb).convert('LA'), {}),
    'palette': ('png', transparent_palette, {}),
    'bmp': ('bmp', Image.fromarray, {}),
}


@cache
def encoded(part: str) -> dict[str, bytes]:
    """An image of every kind, each of a size of its own, in each class folder: name -> content."""
    content = {}
    for label in range(7):
        for i, (kind, (suffix, convert, options)) in enumerate(KINDS.items()):
            rgb = noise(len(KINDS) * label + i + 1000 * (part != 'train'), 41 + i, 50 + 3 * label)
            buffer = io.BytesIO()
            convert(rgb).save(buffer, dict(jpg='JPEG').get(suffix, suffix), **options)
            content[f'{part}/{label:02d}/{kind}.{suffix}'] = buffer.getvalue()
    return content


COUNT = 7 * len(KINDS)


def write_set(tmp_path: Path, monkeypatch) -> Path:
    """Write the set and return its root; the cache is empty."""
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    for name, content in (encoded('train') | encoded('valid')).items():
        path = tmp_path / 'data' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / 'data'


def faces(root: Path, where: str | None = 'disk', split: str = 'trainval', limit_gb: float = 1, **options):
    storage = None if where is None else dict(where=where, limit_gb=limit_gb)
    return FERFolder(data_root=str(root), split=split, storage=storage, **options)


def pixels(data) -> list[np.ndarray]:
    """What LoadFace makes of each image."""
    return [LoadFace()(data.get_data_info(i))['img'] for i in range(len(data))]


def stored_images(data) -> int:
    """How many images do not have to be read from their files."""
    return sum('img' in data.get_data_info(i) for i in range(len(data)))


def files(root: Path) -> list[Path]:
    """Complete files of pixels in the cache."""
    return sorted((root.parent / 'cache').glob('*.bin'))
