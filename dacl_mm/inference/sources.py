"""What a user may name as a source: image, folder, glob, video, camera, or a list of paths."""

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from dacl_mm.errors import MissingFileError, UserError

IMAGES = ('.jpg', '.jpeg', '.jfif', '.png', '.bmp', '.dib', '.gif', '.ppm', '.pgm', '.tif', '.tiff', '.webp')
VIDEOS = (
    '.mp4',
    '.m4v',
    '.mov',
    '.avi',
    '.mkv',
    '.webm',
    '.mpg',
    '.mpeg',
    '.mts',
    '.ts',
    '.wmv',
    '.flv',
    '.3gp',
)


class Source(NamedTuple):
    """One image, video or camera."""

    kind: Literal['image', 'video', 'camera']
    name: str  # path, or webcam:N
    camera: int = 0


def find_sources(names: Sequence[str]) -> list[Source]:
    """Return what arguments name, folders and patterns in the order of their files' names.

    Args:
        names: Files, folders (with all below them), patterns such as ``*.jpg`` or ``**/*.png``, and
            ``webcam`` or ``webcam:N``.

    Raises:
        MissingFileError: If one names nothing.
    """
    return [source for name in names for source in _named(name)]


def listed_sources(lines: Iterable[str]) -> Iterator[Source]:
    """Yield the files that a list names, one a line, as the lines arrive; empty ones are left out."""
    for line in lines:
        if path := line.rstrip('\r\n'):
            yield _file(path)


def _named(name: str) -> list[Source]:
    if camera := re.fullmatch(r'webcam(?::(\d+))?', name):
        number = int(camera[1] or 0)
        return [Source('camera', f'webcam:{number}', number)]
    path = Path(name).expanduser()
    if path.is_dir():
        found = [_file(str(file)) for file in _below(path)]
        if not found:
            raise MissingFileError(f'{name} holds no images or videos')
        return found
    if path.is_file():
        return [_file(str(path))]
    if glob.has_magic(name):
        matches = [match for match in sorted(glob.glob(str(path), recursive=True)) if Path(match).is_file()]
        if not matches:
            raise MissingFileError(f'no file matches {name}')
        return [_file(match) for match in matches]
    if path.exists():
        raise UserError(f'{name} is neither a file nor a folder')
    raise MissingFileError(
        f'{name} does not exist: say an image, a video, a folder, a pattern, webcam[:N], or - for a list of '
        'paths on the standard input'
    )


def _file(path: str) -> Source:
    return Source('video' if Path(path).suffix.lower() in VIDEOS else 'image', path)


def _below(folder: Path) -> Iterator[Path]:
    """Yield the images and videos in a folder and below, hidden ones left out."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith('.'))
        for name in sorted(files):
            if Path(name).suffix.lower() in IMAGES + VIDEOS and not name.startswith('.'):
                yield Path(place) / name
