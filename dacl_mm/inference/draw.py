"""Boxes and names drawn onto images."""

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from dacl_mm.datasets.images import decode_image, to_bgr
from dacl_mm.errors import UnreadableImageError
from dacl_mm.text import printable
from dacl_mm.visualization.style import COLORS

from .results import UNSURE, Face, Prediction

#: Longer side of a picture in a notebook, in pixels.
NOTEBOOK = 1024
GREY = '#8C8C8C'  # of a face whose expression is unsure


def annotate(image: np.ndarray, faces: Sequence[Face]) -> np.ndarray:
    """Draw a box around each face, with its expression and the confidence in percent.

    Args:
        image: RGB, uint8, (H, W, 3); left as it is.
        faces: Those of its prediction.

    Returns:
        RGB, uint8, (H, W, 3).
    """
    picture = Image.fromarray(image)
    pen = ImageDraw.Draw(picture)
    for face in faces:
        _draw_face(pen, face, picture.size)
    return np.asarray(picture)


def notebook_png(prediction: Prediction) -> bytes | None:
    """Return the annotated image of a prediction as PNG, no larger than a notebook shows it.

    The image is read again from its file where the prediction does not hold it; None where neither is
    to be had.
    """
    image = prediction.image
    if image is None:
        if prediction.time is not None or prediction.error:
            return None
        try:
            image = np.ascontiguousarray(to_bgr(decode_image(prediction.source))[..., ::-1])
        except UnreadableImageError:
            return None
    picture = Image.fromarray(annotate(image, prediction.faces))
    picture.thumbnail((NOTEBOOK, NOTEBOOK))
    png = io.BytesIO()
    picture.save(png, 'PNG')
    return png.getvalue()


def label(face: Face) -> str:
    """Return what is written at a face: track, expression and confidence."""
    track = '' if face.track is None else f'{face.track}: '
    return printable(f'{track}{face.expression} {100 * face.confidence:.0f} %')


def color(face: Face) -> str:
    """Return a class's colour, which people with colour-blindness tell from others; grey if unsure."""
    if face.expression == UNSURE:
        return GREY
    colors = [own for own in COLORS if own != GREY]
    return colors[list(face.probabilities).index(face.expression) % len(colors)]


def ink(background: str) -> str:
    """Return black or white, whichever stands out."""
    red, green, blue = ImageColor.getrgb(background)[:3]
    return 'black' if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else 'white'  # ITU-R BT.601


def _draw_face(pen: ImageDraw.ImageDraw, face: Face, size: tuple[int, int]) -> None:
    line = max(1, round(max(size) / 400))
    right, bottom = face.x + face.width, face.y + face.height
    pen.rectangle((face.x, face.y, right, bottom), outline=color(face), width=line)
    for x, y in face.landmarks or ():
        pen.ellipse((x - line, y - line, x + line, y + line), fill='white', outline=color(face))
    font = ImageFont.load_default(max(12, min(round(face.width / 8), round(max(size) / 30))))
    text = label(face)
    width, height = (end - start for start, end in zip(*_corners(pen.textbbox((0, 0), text, font))))
    left = min(max(face.x, 0), max(size[0] - width - 2 * line, 0))  # within the image
    top = face.y - height - 3 * line
    top = top if top >= 0 else min(bottom, max(size[1] - height - 3 * line, 0))
    pen.rectangle((left, top, left + width + 2 * line, top + height + 3 * line), fill=color(face))
    pen.text((left + line, top + line), text, ink(color(face)), font, anchor='lt')


def _corners(box: tuple[float, float, float, float]) -> tuple[tuple[float, float], tuple[float, float]]:
    return box[:2], box[2:]
