"""Similarity transforms and warped faces, against independent computations."""

import cv2
import numpy as np
import pytest
from scipy.optimize import least_squares

from dacl_mm.inference.align import align, box_to_framing, face_crop, similarity, square, warp
from dacl_mm.inference.detectors import Detection
from dacl_mm.inference.info import Framing

POINTS = ((0.32, 0.39), (0.68, 0.39), (0.5, 0.6), (0.36, 0.77), (0.65, 0.77))
FRAMING = Framing(POINTS, ((0.05, 0.05),) * 5, (48, 48))


def moved(scale: float, turn: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = scale * np.cos(np.radians(turn)), scale * np.sin(np.radians(turn))
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    return points @ matrix[:, :2].T + matrix[:, 2]


@pytest.mark.parametrize('turn', [-170, -30, 0, 90, 180])
def test_similarity_is_found_exactly(turn):
    points = np.array(POINTS) * 300
    matrix = moved(0.31, turn, (5.0, -7.0))
    assert np.allclose(similarity(points, apply(matrix, points)), matrix, atol=1e-12)


def test_similarity_is_the_best_and_no_reflection():
    rng = np.random.default_rng(0)
    points = np.array(POINTS)
    for target in (points + rng.normal(0, 0.05, points.shape), points * (-1, 1)):

        def off(p, target=target):
            return (apply(np.array([[p[0], -p[1], p[2]], [p[1], p[0], p[3]]]), points) - target).ravel()

        found = similarity(points, target)
        best = least_squares(off, [1.0, 0.0, 0.0, 0.0], xtol=1e-15, ftol=1e-15, gtol=1e-15).x
        assert np.allclose(found, [[best[0], -best[1], best[2]], [best[1], best[0], best[3]]], atol=1e-7)
        assert np.linalg.det(found[:, :2]) >= 0


@pytest.mark.parametrize(('scale', 'turn'), [(1.0, 0), (0.5, 25), (3.7, -40), (8.3, 180)])
def test_landmarks_arrive_where_the_framing_has_them(scale, turn):
    landmarks = apply(moved(48 * scale, turn, (450.0, 430.0)), np.array(POINTS))
    y, x = np.mgrid[:900, :900] + 0.5
    for k, target in enumerate(np.array(POINTS) * 48):
        away = np.hypot(x - landmarks[k, 0], y - landmarks[k, 1])
        spot = (255 * np.exp(-((away / (3 * scale)) ** 2))).astype(np.uint8)
        crop = align(np.repeat(spot[..., None], 3, 2), landmarks, FRAMING)[..., 0].astype(float)
        gy, gx = np.mgrid[:48, :48] + 0.5
        center = (gx * crop).sum() / crop.sum(), (gy * crop).sum() / crop.sum()
        assert np.allclose(center, target, atol=0.12)


def test_the_same_place_keeps_the_pixels():
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    assert np.array_equal(align(image, np.array(POINTS) * 48, FRAMING), image)


def test_shrinking_averages():
    """A chessboard of single pixels is grey from afar; without averaging it is noise."""
    y, x = np.mgrid[:480, :480]
    board = np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[..., None], 3, 2)
    crop = align(board, np.array(POINTS) * 480, FRAMING)
    assert abs(crop.astype(int) - 127).max() <= 2
    blurred = cv2.resize(np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8), (480, 480))
    exact = blurred.reshape(48, 10, 48, 10, 3).mean((1, 3))
    assert abs(align(blurred, np.array(POINTS) * 480, FRAMING) - exact).max() <= 1


def test_beyond_the_image_its_border_goes_on():
    image = np.full((40, 40, 3), 9, np.uint8)
    image[:, 0] = 200
    crop = warp(image, np.array([[1.0, 0, 20], [0, 1, 0]]), (48, 48))
    assert (crop[:40, :20] == 200).all() and (crop[:, 24:] == 9).all()


def test_other_sizes_and_frames_that_are_not_square():
    image = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    assert align(image, np.array(POINTS) * 40, FRAMING, (20, 30)).shape == (30, 20, 3)
    assert align(image, np.array(POINTS) * 40, FRAMING._replace(size=(64, 32))).shape == (32, 64, 3)


def test_a_box_takes_the_place_of_missing_landmarks():
    framing = FRAMING
    points = np.array(POINTS) * 48
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    height = 2.52 * np.linalg.norm(mouth - eyes)
    center = eyes + 0.376 * (mouth - eyes)
    box = (center[0] - 0.4 * height, center[1] - height / 2, 0.8 * height, height)
    assert np.allclose(box_to_framing(box, framing), [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    image = np.random.default_rng(0).integers(0, 256, (48, 48, 3), np.uint8)
    for landmarks in (None, np.full((5, 2), 20.0)):
        assert np.array_equal(face_crop(image, Detection(box, 1.0, landmarks), framing), image)


def test_without_framing_a_square_around_the_box():
    image = np.zeros((100, 100, 3), np.uint8)
    image[30:50, 40:50] = 255
    crop = face_crop(image, Detection((40, 30, 10, 20), 1.0, None), None)
    assert crop.shape == (24, 24, 3) and np.array_equal(crop, square(image, (40, 30, 10, 20)))
    assert (crop[2:22, 7:17] == 255).all() and crop.sum() == 3 * 255 * 200


@pytest.mark.parametrize('box', [(-50, -50, 20, 20), (95, 95, 0.2, 0.2), (0, 0, 1, 1)])
def test_boxes_at_and_beyond_the_border(box):
    image = np.zeros((100, 100, 3), np.uint8)
    for framing in (None, FRAMING):
        assert face_crop(image, Detection(box, 1.0, None), framing).size
