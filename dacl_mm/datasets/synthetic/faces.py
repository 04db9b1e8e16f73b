"""Procedural faces whose expression follows facial action units.

The combinations are those of EMFACS (Friesen & Ekman, 1983): what tells two
expressions apart is the geometry of brows, eyes, nose and mouth, while
identity, pose, light, occlusion and noise vary independently of it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike

from dacl_mm.errors import UserError

# Action unit -> strength at full intensity. 1 inner brow raiser, 2 outer brow
# raiser, 4 brow lowerer, 5 upper lid raiser, 6 cheek raiser, 7 lid tightener,
# 9 nose wrinkler, 12 lip corner puller, 14 dimpler, 15 lip corner depressor,
# 20 lip stretcher, 23 lip tightener, 26 jaw drop.
ACTION_UNITS: dict[str, dict[int, float]] = {
    'neutral': {},
    'happiness': {6: 1.0, 12: 1.0},
    'sadness': {1: 1.0, 4: 0.5, 15: 1.0},
    'surprise': {1: 1.0, 2: 1.0, 5: 0.7, 26: 1.0},
    'fear': {1: 1.0, 2: 0.7, 4: 0.6, 5: 1.0, 20: 1.0, 26: 0.5},
    'disgust': {9: 1.0, 15: 0.7, 4: 0.4, 7: 0.5},
    'anger': {4: 1.0, 5: 0.4, 7: 0.8, 23: 1.0},
    'contempt': {12: 0.4, 14: 0.8},
}
Color = Sequence[float] | np.ndarray  # BGR, in [0, 255]
SCALE = 4  # drawn larger and averaged down, for smooth edges


class Pose(NamedTuple):
    """Placement of the face: x' = centre + R(roll) * size * (x + yaw * depth)."""

    center: np.ndarray  # (2,), share of the image side
    size: float  # half the face height, share of the image side
    roll: float  # radians
    yaw: float  # horizontal shift of frontal parts, share of the face

    def place(self, points: ArrayLike, side: int, depth: float = 1.0) -> np.ndarray:
        """Map face coordinates (M, 2) to pixels."""
        frontal = np.asarray(points, float) * (1 - 0.3 * abs(self.yaw), 1) + (self.yaw * depth, 0)
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turned = frontal @ np.array([[cos, sin], [-sin, cos]])
        placed: np.ndarray = (self.center + self.size * turned) * side
        return placed


def _intensities(expression: str, rng: np.random.Generator) -> dict[int, float]:
    """Draw how strongly each action unit acts, with individual variation and stray movement."""
    strength = rng.uniform(0.5, 1.3)
    units = {u: s * strength * rng.uniform(0.6, 1.2) for u, s in ACTION_UNITS[expression].items()}
    if len(units) > 2 and rng.random() < 0.3:  # an incomplete display
        units.pop(int(rng.choice(list(units))))
    for unit in (1, 4, 7, 12, 15, 26):  # speech and habit
        if rng.random() < 0.25:
            units[unit] = units.get(unit, 0.0) + rng.uniform(0.0, 0.25)
    return units


def _skin_and_hair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw BGR colours of skin and hair, in [0, 255]."""
    light, dark = np.array([190.0, 205, 240]), np.array([45.0, 65, 105])
    mix = rng.random()
    skin = mix * light + (1 - mix) * dark + rng.normal(0, 8, 3)
    hair = np.array([30.0, 40, 60]) * rng.uniform(0.3, 2.5) + rng.normal(0, 8, 3)
    return skin.clip(25, 245), hair.clip(5, 220)


class _Canvas:
    """Draws face coordinates onto an image."""

    def __init__(self, image: np.ndarray, pose: Pose):
        self.image, self.pose, self.side = image, pose, len(image)

    def _pixels(self, points: ArrayLike, depth: float) -> np.ndarray:
        return np.round(self.pose.place(points, self.side, depth)).astype(np.int32)

    def fill(self, points: ArrayLike, color: Color, depth: float = 1.0) -> None:
        cv2.fillPoly(self.image, [self._pixels(points, depth)], color=tuple(map(float, color)))

    def stroke(self, points: ArrayLike, color: Color, width: float, depth: float = 1.0) -> None:
        thickness = max(1, round(width * self.pose.size * self.side))
        pixels = self._pixels(points, depth)
        cv2.polylines(self.image, [pixels], False, tuple(map(float, color)), thickness)


def _ellipse(x: float, y: float, width: float, height: float, n: int = 28) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([x + width * np.cos(angle), y + height * np.sin(angle)], 1)


def _curve(start: ArrayLike, middle: ArrayLike, end: ArrayLike, n: int = 12) -> np.ndarray:
    """Quadratic Bezier curve through (M, 2) points."""
    t = np.linspace(0, 1, n)[:, None]
    a, b, c = map(np.asarray, (start, middle, end))
    curve: np.ndarray = (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c
    return curve


def _draw_eyes(
    canvas: _Canvas, au: dict[int, float], rng: np.random.Generator, skin: np.ndarray, hair: np.ndarray
) -> None:
    spacing, size = rng.uniform(0.30, 0.40), rng.uniform(0.10, 0.14)
    opening = 0.55 + 0.55 * au.get(5, 0) - 0.3 * au.get(6, 0) - 0.35 * au.get(7, 0)
    height = size * max(opening + rng.normal(0, 0.06), 0.12)
    inner = 0.16 * au.get(1, 0) - 0.14 * au.get(4, 0) - 0.04 * au.get(9, 0)
    outer = 0.16 * au.get(2, 0) - 0.05 * au.get(4, 0)
    together = 0.05 * au.get(4, 0)
    brow_y, brow_width = rng.uniform(-0.42, -0.36), rng.uniform(0.03, 0.07)
    gaze, iris = rng.uniform(-0.4, 0.4), rng.uniform(20, 130, 3)
    for side in (-1, 1):
        x, y = side * spacing, -0.2
        canvas.fill(_ellipse(x, y, size, height), (235, 235, 235))
        canvas.fill(_ellipse(x + gaze * size * 0.6, y, size * 0.45, min(size * 0.45, height)), iris)
        canvas.stroke(_curve((x - size, y), (x, y - 2 * height), (x + size, y)), skin * 0.35, 0.025)
        if au.get(6, 0) > 0.1:  # crow's feet and raised cheek
            fold = _curve((x - size, y + 0.10), (x, y + 0.10 + 0.06 * au[6]), (x + size, y + 0.10))
            canvas.stroke(fold, skin * 0.75, 0.015)
        ends = (side * (spacing - 0.13 - together), brow_y - inner), (side * (spacing + 0.15), brow_y - outer)
        middle = (x, brow_y - (inner + outer) / 2 - 0.04)
        canvas.stroke(_curve(ends[0], middle, ends[1]), hair, brow_width)
    if au.get(4, 0) > 0.3:  # frown line
        canvas.stroke([(-0.03, brow_y - 0.05), (-0.03, brow_y + 0.07)], skin * 0.7, 0.015)


def _draw_nose(canvas: _Canvas, au: dict[int, float], rng: np.random.Generator, skin: np.ndarray) -> None:
    tip, width = 0.15 - 0.05 * au.get(9, 0), rng.uniform(0.07, 0.12) * (1 + 0.3 * au.get(9, 0))
    canvas.stroke(_curve((-width, tip), (0, tip + 0.06), (width, tip)), skin * 0.65, 0.03, depth=1.6)
    canvas.stroke([(0.03, -0.15), (0.05, tip)], skin * 0.8, 0.02, depth=1.4)
    if au.get(9, 0) > 0.15:  # wrinkles at the root, and the nasolabial furrow
        for y in (-0.16, -0.10, -0.04):
            canvas.stroke([(-0.07, y), (0.07, y - 0.02)], skin * 0.72, 0.012, depth=1.3)
        for side in (-1, 1):
            furrow = _curve((side * 0.12, 0.1), (side * 0.22, 0.2), (side * 0.26, 0.34))
            canvas.stroke(furrow, skin * 0.7, 0.018)


def _draw_mouth(canvas: _Canvas, au: dict[int, float], rng: np.random.Generator, skin: np.ndarray) -> None:
    y = 0.42 - 0.04 * au.get(9, 0) + rng.normal(0, 0.01)
    half = rng.uniform(0.20, 0.27) + 0.07 * au.get(12, 0) + 0.10 * au.get(20, 0) - 0.07 * au.get(23, 0)
    half -= 0.05 * au.get(26, 0)
    corner = 0.16 * au.get(12, 0) - 0.16 * au.get(15, 0) - 0.02 * au.get(20, 0)
    opening = 0.25 * au.get(26, 0) + 0.04 * au.get(12, 0)
    lip = rng.uniform(0.03, 0.055) * (1 - 0.6 * min(au.get(23, 0), 1.0))
    color = skin * (0.75, 0.62, 0.85)
    one_sided = au.get(14, 0) * 0.10
    left, right = (-half, y - corner), (half, y - corner - one_sided)
    upper, lower = (0, y + corner * 0.4 - opening * 0.5), (0, y + corner * 0.6 + opening * 1.6)
    if opening > 0.03:
        outline = np.concatenate([_curve(left, upper, right), _curve(right, lower, left)])
        canvas.fill(outline, (30, 25, 60))
        if au.get(12, 0) > 0.4 or au.get(20, 0) > 0.3:  # teeth
            canvas.stroke(_curve(left, (0, upper[1] + 0.05), right)[3:-3], (225, 230, 235), 0.04)
    canvas.stroke(_curve(left, upper, right), color, lip)
    canvas.stroke(_curve(left, lower, right), color, lip)


def _occlude(image: np.ndarray, rng: np.random.Generator) -> None:
    """Cover part of the image by a patch of one colour, as a hand or hair would."""
    side = len(image)
    center = tuple(int(v) for v in rng.uniform(0.1, 0.9, 2) * side)
    axes = tuple(int(v) for v in rng.uniform(0.06, 0.17, 2) * side)
    cv2.ellipse(image, center, axes, rng.uniform(0, 180), 0, 360, tuple(rng.uniform(0, 255, 3)), -1)


def _light(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply a directional gradient, gain and offset."""
    side = len(image)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    angle, depth = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.5)
    gain = rng.uniform(0.7, 1.2) * (1 + depth * (np.cos(angle) * x + np.sin(angle) * y))
    lit: np.ndarray = image * gain[..., None] + rng.uniform(-20, 20)
    return lit


def draw_face(expression: str, seed: int, size: int = 64) -> np.ndarray:
    """Draw one face; the same arguments give the same image.

    Args:
        expression: One of :data:`ACTION_UNITS`.
        seed: Identity, pose, light, occlusion, noise and intensity.
        size: Side in pixels.

    Returns:
        BGR image, uint8, (size, size, 3).

    Raises:
        UserError: If the expression is unknown or the size below 16.
    """
    if expression not in ACTION_UNITS:
        raise UserError(f'unknown expression {expression!r}: choose from {", ".join(ACTION_UNITS)}')
    if size < 16:
        raise UserError(f'a face needs at least 16 pixels, got size={size}')
    rng = np.random.default_rng(seed)
    au = _intensities(expression, rng)
    skin, hair = _skin_and_hair(rng)
    pose = Pose(
        center=0.48 + rng.uniform(-0.055, 0.055, 2),
        size=rng.uniform(0.50, 0.58),
        roll=rng.normal(0, 0.13),
        yaw=float(rng.uniform(-0.14, 0.14)),
    )
    image = np.full((size * SCALE, size * SCALE, 3), rng.uniform(30, 220) + rng.normal(0, 15, 3))
    canvas = _Canvas(image, pose)
    face_width, jaw = rng.uniform(0.68, 0.82), 0.08 * au.get(26, 0)
    canvas.fill(_ellipse(0, -0.12, face_width * 1.1, 1.0), hair, depth=0)
    canvas.fill(_ellipse(0, 0.06 + jaw / 2, face_width, 0.9 + jaw), skin, depth=0.2)
    _draw_eyes(canvas, au, rng, skin, hair)
    _draw_nose(canvas, au, rng, skin)
    _draw_mouth(canvas, au, rng, skin)
    if rng.random() < 0.3:
        _occlude(image, rng)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA)
    image = _light(image, rng)
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.9))
    image += rng.normal(0, rng.uniform(2, 10), image.shape)
    return image.round().clip(0, 255).astype(np.uint8)
