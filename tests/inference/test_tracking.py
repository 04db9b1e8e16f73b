"""Numbers and averages of faces over time."""

import math

import numpy as np
import pytest

from dacl_mm.inference.smoothing import Smoother
from dacl_mm.inference.tracking import Tracker, overlaps


def naive_overlap(one, other) -> float:
    """Count the pixels that boxes of whole numbers share."""
    pixels = [{(x, y) for x in range(a, a + w) for y in range(b, b + h)} for a, b, w, h in (one, other)]
    return len(pixels[0] & pixels[1]) / len(pixels[0] | pixels[1])


def test_overlap_is_shared_pixels_over_all():
    rng = np.random.default_rng(0)
    boxes = [tuple(map(int, (*rng.integers(-5, 9, 2), *rng.integers(1, 12, 2)))) for _ in range(12)]
    found = overlaps(boxes[:5], boxes[5:])
    expected = [[naive_overlap(one, other) for other in boxes[5:]] for one in boxes[:5]]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert overlaps([], boxes).shape == (0, 12) and overlaps(boxes, []).shape == (12, 0)


def test_faces_keep_their_numbers_in_any_order():
    track = Tracker()
    left, right = (0.0, 0.0, 20.0, 20.0), (60.0, 0.0, 20.0, 20.0)
    assert track([left, right], 0.0) == [0, 1]
    for step in range(1, 10):
        moved = [(box[0] + 2 * step * sign, *box[1:]) for box, sign in ((left, 1), (right, -1))]
        assert track(moved[::-1], step / 25) == [1, 0]


def test_a_face_between_two_goes_to_the_nearer():
    track = Tracker()
    track([(0, 0, 20, 20), (12, 0, 20, 20)], 0.0)
    assert track([(10, 0, 20, 20)], 0.04) == [1]
    # Both pairs overlap; the assignment is the best of all together.
    assert track([(2, 0, 20, 20), (10, 0, 20, 20)], 0.08) == [0, 1]


def test_an_absence_keeps_the_number_for_a_while():
    box = (5, 5, 30, 30)
    track = Tracker(patience=0.5)
    assert track([box], 0.0) == [0]
    assert track([], 0.2) == []
    assert track([box], 0.5) == [0]
    assert track([box], 1.1) == [1]
    assert track([(200, 5, 30, 30)], 1.12) == [2]  # somewhere else
    assert track([], 9.0) == [] and not track._seen


def test_the_average_is_an_exponential_one_over_time():
    """Against the weights written out: each reading's share is what the later ones leave of it."""
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.005, 0.3, 12))
    readings = rng.dirichlet(np.ones(3), 12)
    smooth = Smoother(0.3)
    gains = [1.0, *(1 - math.exp(-step / 0.3) for step in np.diff(times))]
    for n, (time, reading) in enumerate(zip(times, readings)):
        found = smooth(4, time, dict(zip('abc', reading)))
        weights = [gains[i] * math.prod(1 - gain for gain in gains[i + 1 : n + 1]) for i in range(n + 1)]
        assert sum(weights) == pytest.approx(1)
        np.testing.assert_allclose(list(found.values()), weights @ readings[: n + 1], atol=1e-12)
        assert sum(found.values()) == pytest.approx(1)


def test_the_frame_rate_does_not_matter():
    """A step is answered after the same time, in however many frames."""
    answers = []
    for frames in (3, 30, 300):
        smooth = Smoother(0.3)
        smooth(0, 0.0, dict(a=0.0))
        for i in range(frames):
            found = smooth(0, 0.3 * (i + 1) / frames, dict(a=1.0))
        answers.append(found['a'])
    np.testing.assert_allclose(answers, 1 - math.exp(-1), atol=1e-9)


def test_tracks_are_apart_and_can_be_forgotten():
    smooth = Smoother(1.0)
    smooth(0, 0.0, dict(a=0.0))
    assert smooth(1, 0.1, dict(a=1.0)) == dict(a=1.0)
    smooth.forget(before=0.05)
    assert smooth(0, 0.2, dict(a=0.7)) == dict(a=0.7)
    assert 0 < smooth(1, 0.2, dict(a=0.0))['a'] < 1
    assert Smoother(0)(0, 0.0, dict(a=0.2)) == dict(a=0.2)
