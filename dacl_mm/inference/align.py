"""Cutting faces out of images as the network's training images are framed."""

import cv2
import numpy as np

from .detectors import Detection
from .info import Framing

#: Side of the square around a box without landmarks, in longer sides of the box.
MARGIN = 1.2


def face_crop(image: np.ndarray, found: Detection, framing: Framing | None) -> np.ndarray:
    """Return a face as the network is to see it.

    Aligned by its landmarks to the framing; where one of the two is missing, a square around the box.

    Args:
        image: RGB, uint8, (H, W, 3).
        found: The face.
        framing: That of the training images.

    Returns:
        RGB, uint8, (h, w, 3).
    """
    if framing is None or found.landmarks is None:
        return square(image, found.box)
    return align(image, found.landmarks, framing)


def align(
    image: np.ndarray, landmarks: np.ndarray, framing: Framing, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Bring a face into a framing by a similarity transform.

    Args:
        image: RGB, uint8, (H, W, 3).
        landmarks: Five points in pixels, (5, 2).
        framing: Where they are to lie.
        size: Width and height of the crop in pixels; that of the framing by default.

    Returns:
        RGB, uint8, (h, w, 3).
    """
    raise NotImplementedError


def square(image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Return the square around a box; beyond the image its border is repeated."""
    left, top, width, height = box
    side = max(round(MARGIN * max(width, height)), 1)
    center = (left + width / 2 - 0.5, top + height / 2 - 0.5)
    moved = np.array([[1, 0, (side - 1) / 2 - center[0]], [0, 1, (side - 1) / 2 - center[1]]])
    return cv2.warpAffine(image, moved, (side, side), borderMode=cv2.BORDER_REPLICATE)
