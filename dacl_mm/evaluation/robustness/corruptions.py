"""What can happen to a photograph of a face, each in five strengths.

Named as in Hendrycks & Dietterich, Benchmarking Neural Network Robustness to Common Corruptions, ICLR 2019,
where they are from there. Contrast and JPEG have its amounts; noise begins with those of CIFAR-10-C, since
nothing averages the pixels of a small image. Lengths are shares of the image's side, so that a face of 48 px
and one of 224 px suffer alike. Every function takes an image (BGR, uint8, (H, W, 3)), an amount and a
generator, and returns an image of the same shape.
"""

import io
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from .cover import cover

STRENGTHS = (1, 2, 3, 4, 5)
Image3 = np.ndarray  # BGR, uint8, (H, W, 3)


def occlusion(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Cover a square of some share of the sides, at a random place, with the mean colour."""
    top, left = rng.random(2) * (1 - amount)
    return cover(img, [(top, left, top + amount, left + amount)])


def low_resolution(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Average the image down to some pixels on its shorter side, and enlarge it bilinearly."""
    height, width = img.shape[:2]
    scale = amount / min(height, width)
    if scale >= 1:
        return img
    small = (max(round(width * scale), 1), max(round(height * scale), 1))
    reduced = cv2.resize(img, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR))


def gaussian_blur(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Blur by a standard deviation in shares of the shorter side."""
    sigma = amount * min(img.shape[:2])
    return np.asarray(cv2.GaussianBlur(img, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE))


def gaussian_noise(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Add noise of a standard deviation in shares of the full range; a grey image stays grey."""
    grey = bool((img == img[..., :1]).all())
    noise = rng.standard_normal((*img.shape[:2], 1 if grey else 3))
    return _to_uint8(img + 255 * amount * noise)


def contrast(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Bring the contrast around each channel's mean down to some share."""
    mean = img.mean((0, 1))
    return _to_uint8((img - mean) * amount + mean)


def jpeg_compression(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Write and read a JPEG file of some quality."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(img[..., ::-1])).save(file, 'JPEG', quality=int(amount))
    return np.ascontiguousarray(np.asarray(Image.open(file))[..., ::-1])


def rotation(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Rotate by some degrees to a random side; the border continues outwards."""
    height, width = img.shape[:2]
    angle = amount * (1 if rng.random() < 0.5 else -1)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), angle, 1)
    turned = cv2.warpAffine(img, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(turned)


def crop(img: Image3, amount: float, rng: np.random.Generator) -> Image3:
    """Cut off some share of both sides, at a random place, and enlarge the rest bilinearly."""
    height, width = img.shape[:2]
    kept = np.maximum(np.round((1 - amount) * np.array([height, width])), 1).astype(int)
    top, left = (rng.random(2) * (np.array([height, width]) - kept)).round().astype(int)
    part = np.ascontiguousarray(img[top : top + kept[0], left : left + kept[1]])
    return np.asarray(cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR))


def _to_uint8(values: np.ndarray) -> Image3:
    return np.asarray(values.round().clip(0, 255), np.uint8)


class Corruption(NamedTuple):
    """A function and its amounts at the five strengths, in a unit."""

    apply: Callable[[Image3, float, np.random.Generator], Image3]
    amounts: tuple[float, float, float, float, float]
    unit: str


CORRUPTIONS = {
    'occlusion': Corruption(occlusion, (0.2, 0.3, 0.4, 0.5, 0.6), 'of the side'),
    'low_resolution': Corruption(low_resolution, (32, 24, 16, 12, 8), 'px'),
    'gaussian_blur': Corruption(gaussian_blur, (0.01, 0.02, 0.03, 0.04, 0.06), 'of the side'),
    'gaussian_noise': Corruption(gaussian_noise, (0.04, 0.08, 0.12, 0.18, 0.26), 'of the range'),
    'contrast': Corruption(contrast, (0.4, 0.3, 0.2, 0.1, 0.05), 'is left'),
    'jpeg_compression': Corruption(jpeg_compression, (25, 18, 15, 10, 7), 'quality'),
    'rotation': Corruption(rotation, (10, 20, 30, 45, 60), 'degrees'),
    'crop': Corruption(crop, (0.1, 0.2, 0.3, 0.4, 0.5), 'of the side'),
}
