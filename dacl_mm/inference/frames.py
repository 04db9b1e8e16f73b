"""Images on their way to the network, in batches that fit into memory."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from dacl_mm.datasets.images import decode_image, three_channels, to_bgr
from dacl_mm.errors import UnreadableImageError
from dacl_mm.text import printable

#: What a caller may give: a file, a picture of Pillow's, or an array, RGB or grey.
Picture = str | Path | Image.Image | np.ndarray
#: Bytes of decoded images that wait together, at most; one image alone may be larger.
HELD = 2**27


class Frame(NamedTuple):
    """An image, or why there is none."""

    source: str  # file or camera
    number: int  # in the source, from 0
    time: float | None  # seconds since the start of the source; None of an image
    image: np.ndarray | None  # RGB, uint8, (H, W, 3); None where it cannot be read
    error: str | None = None  # why


def read_frame(path: str | Path) -> Frame:
    """Read an image file, upright; one that cannot be read gives a frame that says so."""
    try:
        return Frame(str(path), 0, None, _rgb(to_bgr(decode_image(str(path)))))
    except UnreadableImageError as error:
        return Frame(str(path), 0, None, None, printable(error))


def to_frame(picture: Picture, name: str) -> Frame:
    """Return any picture as a frame.

    Args:
        picture: A file, a picture of Pillow's, or an array of uint8, RGB (H, W, 3) or grey (H, W).
        name: Of one that is no file.

    Raises:
        UserError: If an array is of another kind.
    """
    if isinstance(picture, str | Path):
        return read_frame(picture)
    if isinstance(picture, Image.Image):
        return Frame(name, 0, None, _rgb(to_bgr(picture)))
    return Frame(name, 0, None, three_channels(np.asarray(picture), 'an RGB image'))


def batched(frames: Iterable[Frame], count: int) -> Iterator[list[Frame]]:
    """Yield lists of at most ``count`` frames, fewer where they are large."""
    batch: list[Frame] = []
    size = 0
    for frame in frames:
        size += 0 if frame.image is None else frame.image.nbytes
        batch.append(frame)
        if len(batch) == count or size >= HELD:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _rgb(bgr: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(bgr[..., ::-1])
