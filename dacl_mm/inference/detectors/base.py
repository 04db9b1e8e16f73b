"""What a face detector is asked for."""

from typing import NamedTuple, Protocol

import numpy as np


class Detection(NamedTuple):
    """A face that was found."""

    box: tuple[float, float, float, float]  # left, top, width, height in pixels
    score: float  # in [0, 1]
    landmarks: np.ndarray | None  # (5, 2), (x, y) in pixels, in the order of ``info.Points``


class Detector(Protocol):
    """Finds faces."""

    def __call__(self, image: np.ndarray) -> list[Detection]:
        """Return the faces of an image, from the left to the right.

        Args:
            image: RGB, uint8, (H, W, 3).
        """
        ...
