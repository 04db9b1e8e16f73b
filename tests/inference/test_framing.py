"""Measured framing, complaints about another one, and what a checkpoint keeps of it."""

import warnings

import numpy as np
import pytest
from photographs import LANDMARKS, portrait
from squares import ByColor

from dacl_mm.errors import UserError
from dacl_mm.inference import Predictor
from dacl_mm.inference import framing as framing_module
from dacl_mm.inference.detectors import Detection
from dacl_mm.inference.framing import FramingWarning, FramingWatch, measure_framing, misfit
from dacl_mm.inference.info import Framing

POINTS = np.array(((0.32, 0.39), (0.68, 0.39), (0.5, 0.6), (0.36, 0.77), (0.65, 0.77)))
SPREAD = 0.04
FRAMING = Framing(tuple(map(tuple, POINTS)), ((SPREAD, SPREAD),) * 5, (40, 50))


class Told:
    """A detector that finds what it is told, one image after the other; None is an image without a face."""

    def __init__(self, shares):
        self.shares = iter(shares)

    def __call__(self, image):
        points = next(self.shares)
        if points is None:
            return []
        wrong = Detection((0.0, 0.0, 5.0, 5.0), 0.6, np.zeros((5, 2)))
        return [wrong, Detection((0.0, 0.0, 9.0, 9.0), 0.9, points * image.shape[1::-1])]


def crops(count: int) -> list[np.ndarray]:
    return [np.full((50, 40, 3), 9, np.uint8)] * count


def drawn(count: int, center=POINTS) -> np.ndarray:
    return center + np.random.default_rng(0).normal(0, SPREAD, (count, 5, 2))


def test_medians_and_spreads_against_numpy():
    shares = drawn(301)
    told = [*shares, None, None]
    measured = measure_framing(crops(303), Told(told))
    assert measured.framing.size == (40, 50) and (measured.images, measured.found) == (303, 301)
    middle = np.median(shares, 0)
    assert np.allclose(measured.framing.landmarks, middle, atol=1e-4)
    assert np.allclose(measured.framing.spread, 1.4826 * np.median(abs(shares - middle), 0), atol=1e-4)
    x, y = (shares[:, 1] - shares[:, 0]).T
    assert np.isclose(measured.roll[0], np.median(np.degrees(np.arctan2(y, x))))
    assert 0.9 < measured.scale[0] < 1.1 and 0 < measured.scale[1] < 0.2
    assert '301 faces found in 303 images of 40 x 50 px' in str(measured)


def test_scale_and_roll_of_a_set_that_varies_in_these_alone():
    scales, turns = np.array([0.8, 0.9, 1.0, 1.1, 1.2] * 3), np.radians([-10, -5, 0, 5, 10] * 3)
    rotation = np.array([[np.cos(turns), -np.sin(turns)], [np.sin(turns), np.cos(turns)]]).transpose(2, 0, 1)
    shares = scales[:, None, None] * ((POINTS - 0.5) @ rotation.transpose(0, 2, 1)) + 0.5
    measured = measure_framing(crops(15), Told(shares))
    assert np.allclose(measured.roll, (0, 1.4826 * 5), atol=0.3)
    assert np.allclose(measured.scale, (1, 1.4826 * 0.1), atol=0.02)


def test_too_few_faces_are_an_error():
    with pytest.raises(UserError, match='found 9 faces in 40 images, and 10 are needed'):
        measure_framing(crops(40), Told([*drawn(9), *[None] * 31]))


@pytest.mark.parametrize(
    ('zoom', 'turn', 'says'),
    [
        (1.0, 0, None),
        (0.75, 0, '1.3[0-9] times as large'),
        (1.5, 0, '0.(6[0-9]|7[0-4]) times as large'),
        (1.0, 25, r'turned by \+2[3-7] degrees'),
        (1.0, -25, r'turned by -2[3-7] degrees'),
    ],
)
def test_a_set_of_other_framing_is_told_once(zoom, turn, says):
    cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    changed = (drawn(40) - 0.5) @ np.array([[cos, sin], [-sin, cos]]) / zoom + 0.5
    watch = FramingWatch(FRAMING, Told([None, *changed]))
    told = [text for text in map(watch, crops(41)) if text]
    assert len(told) == (says is not None)
    if says:
        with pytest.raises(AssertionError, match=says):
            raise AssertionError(told[0])


def test_a_whole_photograph_taken_for_a_crop_is_told_at_once():
    watch = FramingWatch(FRAMING, Told([LANDMARKS / (512, 600)]))
    assert watch(portrait()) is None  # a portrait may pass
    small = (POINTS - 0.5) / 4 + 0.2
    assert 'times as large' in FramingWatch(FRAMING, Told([small]))(crops(1)[0])


def test_misfit_is_in_spreads():
    assert np.isclose(misfit(POINTS + SPREAD, FRAMING), 1)
    assert np.isclose(misfit(POINTS + (2 * SPREAD, 0), FRAMING), np.sqrt(2))


def classifier(framing):
    made = ByColor()
    made.info = made.info.__class__('colors', made.info.classes, (8, 8), framing=framing)
    return made


def test_a_network_without_framing_is_told_where_faces_are_looked_for(monkeypatch):
    monkeypatch.setattr('dacl_mm.inference.predictor.build_detector', lambda spec: Told([]))
    with pytest.warns(FramingWarning, match='colors.*tools/measure_framing.py'):
        Predictor(classifier(None))
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        Predictor(classifier(FRAMING))
        Predictor(classifier(None), faces='crop')


def test_crops_of_other_framing_are_told(monkeypatch):
    tight = (drawn(40) - 0.5) / 0.7 + 0.5
    monkeypatch.setattr(framing_module, 'build_detector', lambda spec: Told(tight))
    predictor = Predictor(classifier(FRAMING), faces='crop')
    with pytest.warns(FramingWarning, match="faces='detect'") as told:
        predictor(crops(40))
    assert len(told) == 1


def test_crops_without_a_detector_are_predicted_after_a_word(monkeypatch):
    def missing(spec):
        raise UserError('pip install it')

    monkeypatch.setattr(framing_module, 'build_detector', missing)
    with pytest.warns(FramingWarning, match='not compared: pip install it'):
        predictor = Predictor(classifier(FRAMING), faces='crop')
    assert predictor(crops(1))[0].faces
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        Predictor(classifier(FRAMING), detector='none')
