"""Cropped faces in larger images, and under wrong framing."""

from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from .align import warp

SIZE = (640, 480)  # width and height of a scene
SIDES = (48, 288)  # px, of a crop in a scene: one to six times that of FER2013's
TURN = 30.0  # degrees to either side, at most


class Placed(NamedTuple):
    """An image with one face, and the square that its crop takes."""

    image: np.ndarray  # RGB, uint8, (H, W, 3)
    center: tuple[float, float]
    side: float


def as_it_is(crop: np.ndarray, rng: np.random.Generator) -> Placed:
    """Return the crop itself."""
    height, width = crop.shape[:2]
    return Placed(crop, (width / 2, height / 2), float(min(width, height)))


def scene(crop: np.ndarray, rng: np.random.Generator) -> Placed:
    """Paste a crop into a photograph at a random place, size and angle, wholly inside of it."""
    side = float(np.exp(rng.uniform(*np.log(SIDES))))
    turn = rng.uniform(-TURN, TURN)
    reach = side * (np.cos(np.radians(turn)) + np.sin(np.radians(abs(turn)))) / 2
    center = rng.uniform(reach, SIZE[0] - reach), rng.uniform(reach, SIZE[1] - reach)
    return Placed(paste(crop, background(SIZE, rng), center, side, turn), center, side)


def reframed(crop: np.ndarray, rng: np.random.Generator, zoom: float = 1.0, turn: float = 0.0) -> Placed:
    """Frame a face anew, at the crop's size; what lies beyond it is a photograph.

    Args:
        crop: RGB, uint8, (H, W, 3).
        rng: Chooses the photograph and the direction of the turn.
        zoom: Side of the new frame in sides of the crop: less than 1 is tighter.
        turn: Degrees.
    """
    height, width = crop.shape[:2]
    wide = paste(crop, background((2 * width, 2 * height), rng), (width, height), width, 0.0)
    moved = _move((width, height), (width / 2, height / 2), 1 / zoom, turn * rng.choice([-1, 1]))
    return Placed(warp(wide, moved, (width, height)), (width / 2, height / 2), min(width, height) / zoom)


def paste(
    crop: np.ndarray, image: np.ndarray, center: tuple[float, float], side: float, turn: float
) -> np.ndarray:
    """Return an image with a crop in it.

    Args:
        crop: RGB, uint8, (h, w, 3).
        image: RGB, uint8, (H, W, 3).
        center: Of the crop in the image, in pixels.
        side: Its width there.
        turn: Degrees, clockwise.
    """
    height, width = crop.shape[:2]
    moved = _move((width / 2, height / 2), center, side / width, turn)
    size = image.shape[1], image.shape[0]
    moved[:, 2] += moved[:, :2].sum(1) / 2 - 0.5
    cover = cv2.warpAffine(np.ones((height, width, 1), np.float32), moved, size)[..., None]
    face = cv2.warpAffine(crop, moved, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    blended: np.ndarray = (cover * face + (1 - cover) * image).round().astype(np.uint8)
    return blended


def background(size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a photograph without faces, mirrored or not, RGB, uint8, (H, W, 3)."""
    photos = _photographs()
    photo = cv2.resize(photos[rng.integers(len(photos))], size, interpolation=cv2.INTER_AREA)
    return photo[:, ::-1] if rng.integers(2) else photo


@lru_cache(maxsize=1)
def _photographs() -> tuple[np.ndarray, ...]:
    from sklearn.datasets import load_sample_images  # a building and a flower, which it comes with

    return tuple(load_sample_images().images)


def _move(source: tuple[float, float], target: tuple[float, float], scale: float, turn: float) -> np.ndarray:
    """Return the transform that scales and turns about a point, and brings it to another, (2, 3)."""
    cos, sin = scale * np.cos(np.radians(turn)), scale * np.sin(np.radians(turn))
    linear = np.array([[cos, -sin], [sin, cos]])
    return np.column_stack([linear, np.array(target) - linear @ source])
