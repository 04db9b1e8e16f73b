"""Faces in scenes and under wrong framing lie where they are said to, and are measured rightly."""

import numpy as np
import pytest
from conftest import REPO
from mmengine.config import Config

from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.inference.align import align
from dacl_mm.inference.crops import SampledCrops
from dacl_mm.inference.detectors import Detection
from dacl_mm.inference.framing_check import check_framing
from dacl_mm.inference.info import Framing, ModelInfo
from dacl_mm.inference.scenes import SIZE, as_it_is, paste, reframed, scene

CORNERS = np.array([(0.1, 0.1), (0.9, 0.1), (0.5, 0.5), (0.1, 0.9), (0.9, 0.9)])


def face(seed: int = 0, side: int = 48) -> np.ndarray:
    return np.ascontiguousarray(draw_face('happiness', seed, side)[..., ::-1])


def test_a_pasted_face_can_be_cut_out_again():
    crop = np.random.default_rng(0).integers(0, 256, (6, 6, 3), np.uint8).repeat(16, 0).repeat(16, 1)
    for side, turn in ((96, 0.0), (150, 30.0), (240, -25.0)):
        image = paste(crop, np.zeros((480, 640, 3), np.uint8), (300, 200), side, turn)
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        there = side * (CORNERS - 0.5) @ np.array([[cos, sin], [-sin, cos]]) + (300, 200)
        again = align(image, there, Framing(tuple(map(tuple, CORNERS)), (), (96, 96)))
        inner = (slice(4, -4), slice(4, -4))
        assert abs(again[inner].astype(int) - crop[inner]).mean() < 8


def test_scenes_hold_the_whole_face_and_repeat():
    for seed in range(20):
        placed = scene(face(), np.random.default_rng(seed))
        assert placed.image.shape == (SIZE[1], SIZE[0], 3) and 48 <= placed.side <= 288
        reach = placed.side / 2
        assert reach <= placed.center[0] <= SIZE[0] - reach and reach <= placed.center[1] <= SIZE[1] - reach
    assert np.array_equal(placed.image, scene(face(), np.random.default_rng(seed)).image)


def test_reframing_scales_about_the_center():
    crop = np.zeros((40, 40, 3), np.uint8)
    crop[10:30, 10:30] = 255
    rng = np.random.default_rng(0)
    assert np.array_equal(reframed(crop, rng).image, crop)
    tight = reframed(crop, rng, zoom=0.5)
    assert tight.image[2:-2, 2:-2].min() > 250 and tight.side == 80
    loose = reframed(crop, rng, zoom=2.0)
    assert loose.image[16:24, 16:24].min() > 250 and loose.image[10:30, 12].max() < 5 and loose.side == 20
    turned = reframed(crop, rng, turn=45.0).image
    assert turned[20, 8].min() > 250 and turned[11, 11].max() < 5
    assert as_it_is(crop, rng).image is crop


class Finds:
    """Finds the pasted square itself, in all images but every third."""

    def __init__(self):
        self.calls = 0

    def __call__(self, image):
        self.calls += 1
        height, width = image.shape[:2]
        if self.calls % 3 == 0:
            return []
        away = Detection((0.0, 0.0, 2.0, 2.0), 0.9, None)
        at = Detection((width / 4, height / 4, width / 2, height / 2), 0.8, CORNERS * (width, height))
        return [away, at]


class AlwaysHappy:
    info = ModelInfo('happy', ('neutral', 'happiness'), (48, 48))

    def __call__(self, crops):
        assert all(crop.dtype == np.uint8 and crop.ndim == 3 for crop in crops)
        return np.tile(np.float32([0.1, 0.9]), (len(crops), 1))


@pytest.fixture(scope='module')
def drawn():
    cfg = Config.fromfile(REPO / 'configs/softmax_r18_synthetic.py')
    cfg.test_dataloader.dataset.num_images = 21
    return SampledCrops(cfg.test_dataloader.dataset, 14, seed=1)


def test_crops_are_drawn_without_replacement_and_repeat(drawn):
    assert len(drawn) == len(set(drawn.index)) == 14 and len(drawn.names()) == 14
    images = list(drawn.images('read'))
    assert all(image.dtype == np.uint8 and image.shape[2] == 3 for image in images)
    assert all(np.array_equal(a, b) for a, b in zip(images, drawn.images('read')))


def test_accuracies_count_what_was_not_found(drawn):
    framing = Framing(tuple(map(tuple, CORNERS)), ((0.1, 0.1),) * 5, (48, 48))
    rows = list(check_framing(drawn, AlwaysHappy(), framing, Finds()))
    happy = 100 * np.mean([name == 'happiness' for name in drawn.names()])
    assert len(rows) == 16 and {row.images for row in rows} == {14}
    first, aligned, *_ = rows
    assert (first.name, first.found) == ('as they are', None)
    assert np.isclose(first.accuracy, happy, atol=0.01) and np.isclose(aligned.accuracy, happy, atol=0.01)
    assert np.isclose(aligned.found, 100 * 10 / 14, atol=0.01) and aligned.others == 10
    scenes = rows[-1]
    assert scenes.name == 'pasted into scenes' and scenes.accuracy <= scenes.found
    assert str(first).split()[:3] == ['as', 'they', 'are']
