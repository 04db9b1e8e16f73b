"""Cutting faces out of images as the network's training images are framed."""

from math import ceil

import cv2
import numpy as np

from .detectors import Detection
from .info import Framing

#: Side of the square around a box without landmarks, in longer sides of the box.
MARGIN = 1.2
INTER = cv2.INTER_CUBIC
BORDER = cv2.BORDER_REPLICATE


def face_crop(image: np.ndarray, found: Detection, framing: Framing | None) -> np.ndarray:
    if framing is None or found.landmarks is None:
        return square(image, found.box)
    return align(image, found.landmarks, framing)


def align(
    image: np.ndarray, landmarks: np.ndarray, framing: Framing, size: tuple[int, int] | None = None
) -> np.ndarray:
    width, height = size or framing.size
    moved = similarity(landmarks, np.array(framing.landmarks) * (width, height))
    return warp(image, moved, (width, height))


def similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    z, w = (points.astype(np.float64) @ (1, 1j) for points in (source, target))
    from_center = z - z.mean()
    turn = np.vdot(from_center, w) / np.vdot(from_center, from_center).real
    shift = w.mean() - turn * z.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def warp(image: np.ndarray, moved: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    scale = np.hypot(*moved[:, 0])
    finer = max(min(ceil(1 / scale), ceil(max(image.shape[:2]) / min(size))), 1)
    half = np.array([0.5, 0.5])
    matrix = moved * finer
    matrix[:, 2] += matrix[:, :2] @ half - half
    crop = cv2.warpAffine(image, matrix, (size[0] * finer, size[1] * finer), flags=INTER, borderMode=BORDER)
    return cv2.resize(crop, size, interpolation=cv2.INTER_AREA) if finer > 1 else crop
