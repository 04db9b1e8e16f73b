"""Colour squares in the place of faces: what finds them, what names them, and videos of them."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dacl_mm.inference import ModelInfo, Predictor
from dacl_mm.inference.detectors import Detection

COLORS = dict(red=(250, 30, 30), green=(30, 250, 30), blue=(30, 30, 250))


class ByColor:
    """A classifier whose probabilities are the shares of red, green and blue."""

    info = ModelInfo('colors', tuple(COLORS), (8, 8), unsure=0.5)

    def __init__(self):
        self.batches: list[int] = []

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        self.batches.append(len(crops))
        means = np.array([crop.mean((0, 1)) for crop in crops], np.float32).reshape(-1, 3)
        return means / means.sum(1, keepdims=True)


def find_squares(image: np.ndarray) -> list[Detection]:
    """Detect what is brighter than the background, in no particular order."""
    bright = (image.max(2) > 128).astype(np.uint8)
    _, _, boxes, _ = cv2.connectedComponentsWithStats(bright)
    return [Detection(tuple(map(float, box[:4])), 0.9, None) for box in boxes[:0:-1] if box[4] > 4]


def scene(*squares: tuple[str, int, int, int], size: tuple[int, int] = (160, 120)) -> np.ndarray:
    """Draw squares (colour, left, top, side) on black; RGB."""
    image = np.zeros((size[1], size[0], 3), np.uint8)
    for color, left, top, side in squares:
        image[top : top + side, left : left + side] = COLORS[color]
    return image


def write_video(path: Path, images: Sequence[np.ndarray], rate: float = 25.0, code: str = 'VP90') -> Path:
    """Write RGB images as a video."""
    height, width = images[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), rate, (width, height))
    assert writer.isOpened()
    for image in images:
        writer.write(np.ascontiguousarray(image[..., ::-1]))
    writer.release()
    return path


def predictor(**options) -> Predictor:
    """Return a predictor that finds squares and names their colours."""
    made = Predictor(ByColor(), faces='crop', **options)
    made.detector = find_squares
    return made
