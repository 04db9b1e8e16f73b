"""What a face detector is asked for."""

from typing import NamedTuple, Protocol

import numpy as np


class Detection(NamedTuple):
    """A face that was found."""

    box: tuple[float, float, float, float]  # left, top, width, height in pixels
    score: float  # in [0, 1]
    landmarks: np.ndarray | None  # (5, 2), (x, y) in pixels, in the order of ``info.Points``


class Detector(Protocol):
    """Finds faces. Pixel i of a row spans the coordinates from i to i + 1."""

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Return the faces of an image, from the left to the right.

        Args:
            image: RGB, uint8, (H, W, 3).
        """
        ...


def detections(boxes: np.ndarray, scores: np.ndarray, landmarks: np.ndarray) -> list[Detection]:
    """Return what a network found, from the left to the right.

    Args:
        boxes: Left, top, width and height in pixels, (n, 4).
        scores: (n,), in [0, 1].
        landmarks: (n, 5, 2).
    """
    found = [
        Detection(tuple(box.tolist()), float(score), points)
        for box, score, points in zip(boxes, scores, landmarks)
    ]
    return sorted(found, key=lambda face: face.box[0])
