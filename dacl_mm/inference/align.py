"""Cutting faces out of images as the network's training images are framed."""

from math import ceil

import cv2
import numpy as np

from .detectors import Detection
from .info import Framing

#: Side of the square around a box without framing, in longer sides of the box.
MARGIN = 1.2
#: Of RetinaFace's boxes on FER+: height in distances from the eyes to the mouth (spread 0.22), and where
#: on that way the center lies (0.1).
BOX_HEIGHT, BOX_CENTER = 2.52, 0.376
#: Beyond the image its border is repeated (docs/inference.md: against black, and a mirror image).
BORDER = cv2.BORDER_REPLICATE


def face_crop(image: np.ndarray, found: Detection, framing: Framing | None) -> np.ndarray:
    """Return a face as the network is to see it.

    Aligned to the framing by its landmarks, or by its box where it has none; without framing a square
    around the box.

    Args:
        image: RGB, uint8, (H, W, 3).
        found: The face.
        framing: That of the training images.

    Returns:
        RGB, uint8, (h, w, 3).
    """
    if framing is None:
        return square(image, found.box)
    if found.landmarks is None or np.ptp(found.landmarks, axis=0).max() < 1:  # all in one pixel
        return warp(image, box_to_framing(found.box, framing), framing.size)
    return align(image, found.landmarks, framing)


def align(
    image: np.ndarray, landmarks: np.ndarray, framing: Framing, size: tuple[int, int] | None = None
) -> np.ndarray:
    """Bring a face into a framing by a similarity transform.

    Args:
        image: RGB, uint8, (H, W, 3).
        landmarks: Five points in pixels, (5, 2), not all the same.
        framing: Where they are to lie.
        size: Width and height of the crop in pixels; that of the framing by default.

    Returns:
        RGB, uint8, (h, w, 3).
    """
    size = size or framing.size
    return warp(image, similarity(landmarks, np.array(framing.landmarks) * size), size)


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the turn, scale and shift that bring points closest to others; never a reflection.

    As complex numbers: ``a z + b`` with the least sum of squares over all a and b.
    Reference: Umeyama, Least-Squares Estimation of Transformation Parameters, PAMI 1991.

    Args:
        source: Points, (n, 2), not all the same.
        target: Where they are to go, (n, 2).

    Returns:
        float64, (2, 3).
    """
    z, w = (points.astype(np.float64) @ (1, 1j) for points in (source, target))
    centered = z - z.mean()
    turn = np.vdot(centered, w) / np.vdot(centered, centered).real
    shift = w.mean() - turn * z.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def box_to_framing(box: tuple[float, float, float, float], framing: Framing) -> np.ndarray:
    """Return scale and shift that bring a face's box to where a framing has it, float64, (2, 3)."""
    left, top, width, height = box
    points = np.array(framing.landmarks) * framing.size
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    scale = BOX_HEIGHT * np.linalg.norm(mouth - eyes) / height
    shift = eyes + BOX_CENTER * (mouth - eyes) - scale * np.array([left + width / 2, top + height / 2])
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])


def warp(image: np.ndarray, moved: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Move an image by a similarity transform; what shrinks is averaged, so that nothing aliases.

    Args:
        image: RGB, uint8, (H, W, 3).
        moved: From its coordinates, where pixel i spans i to i + 1, into those of the crop, (2, 3).
        size: Width and height of the crop in pixels.

    Returns:
        RGB, uint8, (h, w, 3).
    """
    scale = np.hypot(moved[0, 0], moved[1, 0])
    # A finer grid than the crop's, at most as fine as the image: its cells are averaged.
    finer = max(min(ceil(1 / scale), ceil(max(image.shape[:2]) / min(size))), 1)
    matrix = moved * finer
    matrix[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5  # OpenCV's pixels lie at whole numbers
    width, height = size
    crop = cv2.warpAffine(
        image, matrix, (width * finer, height * finer), flags=cv2.INTER_CUBIC, borderMode=BORDER
    )
    return cv2.resize(crop, size, interpolation=cv2.INTER_AREA) if finer > 1 else crop


def square(image: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """Return the square around a box; beyond the image its border is repeated."""
    left, top, width, height = box
    side = max(round(MARGIN * max(width, height)), 1)
    shift = side / 2 - left - width / 2, side / 2 - top - height / 2
    return warp(image, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (side, side))
