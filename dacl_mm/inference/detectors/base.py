"""What a face detector is asked for."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol

import cv2
import numpy as np


class Detection(NamedTuple):
    """A face that was found."""

    box: tuple[float, float, float, float]  # left, top, width, height in pixels
    score: float  # in [0, 1]
    landmarks: np.ndarray | None  # (5, 2), (x, y) in pixels, in the order of ``info.Points``


class Detector(Protocol):
    """Finds faces.

    Pixel i of a row covers the coordinates from i to i + 1, in whatever size the detector itself looks at it.
    """

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Return the faces of an image, from the left to the right.

        Args:
            image: RGB, uint8, (H, W, 3).
        """
        ...


def fit(image: np.ndarray, least: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale an image so that its longer side lies in a range.

    Args:
        image: RGB, uint8, (H, W, 3).
        least: Smallest longer side in pixels; smaller images are enlarged.
        most: Largest one.

    Returns:
        The image, and how many of the given one's pixels one of its own spans, (x, y), (2,).
    """
    height, width = image.shape[:2]
    longer = max(height, width)
    factor = min(max(longer, least), most) / longer
    if factor == 1:
        return image, np.ones(2)
    size = max(round(width * factor), 1), max(round(height * factor), 1)
    scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
    return scaled, np.array([width / size[0], height / size[1]])


def detections(
    boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray, scale: np.ndarray
) -> list[Detection]:
    """Bring what was found in a scaled image into the pixels of the given one, from the left to the right.

    Args:
        boxes: Left, top, width and height, (n, 4).
        scores: (n,), in [0, 1].
        landmarks: (n, 5, 2).
        scale: As :func:`fit` returns it.
    """
    found: Iterable[Detection] = (
        Detection(tuple((box.reshape(2, 2) * scale).ravel().tolist()), float(score), points * scale)
        for box, score, points in zip(boxes, scores, landmarks)
    )
    return sorted(found, key=lambda face: face.box[0])
