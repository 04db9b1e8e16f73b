"""The sizes and turns in which a detector sees an image."""

import cv2
import numpy as np

from .base import Detection, Detector

SIZE = 640
LEAST = 192
#: A face of this score needs no second look; a turned one must be so much surer than an upright one.
SURE, MARGIN = 0.95, 0.05


class Finder:
    """Shows images to a detector, shrunk or enlarged to where it works.

    Without a size it is patient: where it finds nothing at 640 px, it looks again at twice that; where it
    is not sure of a face, also at the image turned by 90, 180 and 270 degrees, as cameras leave it. Images
    without a face take the longest, so videos may want a size.

    Args:
        detector: Sees what it can at the size that it is given.
        size: Longer side of the only look in pixels; None is patient. Smaller images stay as they are, and
            the smallest, as cropped faces, are enlarged to 192.
    """

    def __init__(self, detector: Detector, size: int | None = None) -> None:
        self.detector = detector
        self.size = size

    def __call__(self, image: np.ndarray) -> list[Detection]:
        longer = min(max(*image.shape[:2], LEAST), self.size or SIZE)
        found = self._look(image, longer)
        if self.size is None and _best(found) < SURE:
            found = found or self._look(image, 2 * longer)
            turned = max((self._turned(image, longer, turns) for turns in (1, 2, 3)), key=_best)
            found = turned if _best(turned) > _best(found) + MARGIN else found
        return sorted(found, key=lambda face: face.box[0])

    def _look(self, image: np.ndarray, longer: int) -> list[Detection]:
        height, width = image.shape[:2]
        factor = longer / max(height, width)
        if factor == 1:
            return self.detector(image)
        size = max(round(width * factor), 1), max(round(height * factor), 1)
        scaled = cv2.resize(image, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC)
        return [
            _scaled(face, np.array([width / size[0], height / size[1]])) for face in self.detector(scaled)
        ]

    def _turned(self, image: np.ndarray, longer: int, turns: int) -> list[Detection]:
        """Look at an image after quarter turns; the faces lie in the image as it is."""
        found = self._look(np.ascontiguousarray(np.rot90(image, turns)), longer)
        return [_turned_back(face, turns, image.shape) for face in found]


def _best(found: list[Detection]) -> float:
    return max((face.score for face in found), default=0.0)


def _scaled(face: Detection, scale: np.ndarray) -> Detection:
    left, top, width, height = np.multiply(face.box, np.tile(scale, 2)).tolist()
    points = None if face.landmarks is None else face.landmarks * scale
    return Detection((left, top, width, height), face.score, points)


def _turned_back(face: Detection, turns: int, shape: tuple[int, ...]) -> Detection:
    """Bring a face of ``numpy.rot90(image, turns)`` into the image, which has a shape (H, W, 3)."""
    left, top, width, height = face.box
    corners = _points_back(np.array([[left, top], [left + width, top + height]]), turns, shape)
    (left, top), (right, bottom) = corners.min(0).tolist(), corners.max(0).tolist()
    points = None if face.landmarks is None else _points_back(face.landmarks, turns, shape)
    return Detection((left, top, right - left, bottom - top), face.score, points)


def _points_back(points: np.ndarray, turns: int, shape: tuple[int, ...]) -> np.ndarray:
    height, width = shape[:2]
    x, y = points.T
    return np.stack({1: (width - y, x), 2: (width - x, height - y), 3: (y, height - x)}[turns], 1)
