"""Corruptions by their definitions; what is drawn depends on the image alone."""

import io
from itertools import product

import numpy as np
import pytest
from mmengine.dataset import Compose
from PIL import Image
from scipy.ndimage import gaussian_filter

from dacl_mm.datasets import LoadFace
from dacl_mm.errors import UserError
from dacl_mm.evaluation.robustness import CORRUPTIONS, STRENGTHS, Corrupt, CoverRegion
from dacl_mm.evaluation.robustness.corrupt import after_loading


def photograph(height=48, width=40, seed=0):
    """A smooth picture with detail, BGR."""
    y, x = np.mgrid[:height, :width]
    rng = np.random.default_rng(seed)
    waves = np.zeros((height, width, 3))
    for channel, _ in product(range(3), range(6)):
        size, (down, across) = rng.uniform(5, 20), rng.uniform(0, 0.8, 2)
        waves[..., channel] += size * np.sin(across * x + down * y)
    return (128 + waves).clip(0, 255).astype(np.uint8)


def corrupted(kind, strength, img=None, sample=3, **options):
    img = photograph() if img is None else img
    return Corrupt(kind, strength, **options).transform(dict(img=img.copy(), sample_idx=sample))['img']


@pytest.mark.parametrize('kind', CORRUPTIONS)
def test_every_kind_gets_worse_with_its_strength(kind):
    for img in (photograph(), photograph(100, 100)):
        loss = []
        for strength in STRENGTHS:
            found = corrupted(kind, strength, img)
            assert found.shape == img.shape and found.dtype == np.uint8
            np.testing.assert_array_equal(found, corrupted(kind, strength, img))  # it is the same each time
            loss.append(np.square(found.astype(float) - img).mean())
        assert loss[0] > 0
        if kind not in ('rotation', 'crop'):  # of which far enough is anywhere
            assert loss == sorted(loss), loss


@pytest.mark.parametrize('kind', ['occlusion', 'gaussian_noise', 'crop', 'rotation'])
def test_images_and_seeds_draw_apart(kind):
    drawn = [corrupted(kind, 3, sample=i, seed=seed) for seed in (0, 1) for i in range(6)]
    assert len({found.tobytes() for found in drawn}) >= (4 if kind != 'rotation' else 2)


def test_an_occlusion_covers_its_share_of_the_area():
    img = photograph(100, 80)
    for strength, side in zip(STRENGTHS, (0.2, 0.3, 0.4, 0.5, 0.6)):
        mean = img.mean((0, 1)).round().astype(np.uint8)
        changed = (corrupted('occlusion', strength, img) == mean).all(-1)
        rows, columns = changed.sum(1).max(), changed.sum(0).max()
        assert abs(columns - 100 * side) <= 1 and abs(rows - 80 * side) <= 1
    covered = CoverRegion([(0.25, 0, 0.5, 1)]).transform(dict(img=img))['img']
    np.testing.assert_array_equal(covered[25:50], np.broadcast_to(mean, (25, 80, 3)))
    np.testing.assert_array_equal(np.delete(covered, range(25, 50), 0), np.delete(img, range(25, 50), 0))


def test_low_resolution_keeps_the_means_of_blocks():
    img = photograph(48, 48)
    rough = corrupted('low_resolution', 3, img).astype(float)  # 16 px: blocks of 3
    blocks = img.astype(float).reshape(16, 3, 16, 3, 3).mean((1, 3))
    np.testing.assert_allclose(rough[1::3, 1::3], blocks, atol=1)
    small = photograph(8, 8)
    np.testing.assert_array_equal(corrupted('low_resolution', 1, small), small)  # it has fewer anyway


def test_noise_and_contrast_by_definition():
    grey = np.repeat(np.full((200, 200, 1), 128, np.uint8), 3, 2)
    noisy = corrupted('gaussian_noise', 2, grey).astype(float)
    assert noisy.std() == pytest.approx(0.08 * 255, rel=0.02) and (noisy == noisy[..., :1]).all()
    color = corrupted('gaussian_noise', 1, photograph())
    assert not (color - photograph() == (color - photograph())[..., :1]).all()
    img = photograph()
    mean = img.astype(float).mean((0, 1))
    expected = (img - mean) * 0.2 + mean
    np.testing.assert_allclose(corrupted('contrast', 3, img), expected, atol=0.5 + 1e-9)


def test_a_blur_is_a_gaussian_in_shares_of_the_side():
    img = photograph(100, 140)
    for strength, sigma in zip(STRENGTHS, (1, 2, 3, 4, 6)):
        expected = gaussian_filter(img.astype(float), (sigma, sigma, 0), mode='nearest', truncate=6)
        np.testing.assert_allclose(corrupted('gaussian_blur', strength, img), expected, atol=2)


def test_jpeg_is_that_of_a_file():
    img, file = photograph(), io.BytesIO()
    Image.fromarray(img[..., ::-1]).save(file, 'JPEG', quality=15)
    expected = np.asarray(Image.open(file).convert('RGB'))[..., ::-1]
    np.testing.assert_array_equal(corrupted('jpeg_compression', 3, img), expected)


def test_rotation_turns_about_the_centre():
    img = np.zeros((61, 61, 3), np.uint8)
    img[28:33, 45:50] = 255  # right of the centre by 17
    angles = set()
    for sample in range(8):
        found = corrupted('rotation', 3, img, sample)[..., 0].astype(float)
        y, x = np.mgrid[:61, :61] - 30
        angle = np.degrees(np.arctan2(-(found * y).sum(), (found * x).sum()))
        assert abs(angle) == pytest.approx(30, abs=1)
        angles.add(round(angle) > 0)
    assert angles == {True, False}


def test_a_crop_lies_within_the_image():
    height, width = 60, 60
    img = np.stack(np.mgrid[:height, :width], -1).astype(np.uint8)
    img = np.concatenate([img, img[..., :1]], -1)
    for strength, cut in zip(STRENGTHS, (0.1, 0.2, 0.3, 0.4, 0.5)):
        found = corrupted('crop', strength, img)
        for axis in (0, 1):
            assert np.ptp(found[..., axis]) == round((1 - cut) * 60) - 1


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(kind='fog', strength=1), 'kind of Corrupt must be one of occlusion, low_resolution'),
        (dict(kind='contrast', strength=6), 'from 1 to 5, got 6'),
    ],
)
def test_what_there_is_not_is_refused(options, message):
    with pytest.raises(UserError, match=message):
        Corrupt(**options)
    with pytest.raises(UserError, match='a box of CoverRegion'):
        CoverRegion([(0.5, 0, 0.5, 1)])


def test_corruption_comes_after_loading():
    transform = Corrupt('contrast', 5)
    resize = Compose([dict(type='mmpretrain.LoadImageFromFile'), dict(type='mmcv.Resize', scale=8)])
    assert after_loading(Compose([LoadFace()]), transform).transforms[1] is transform
    with pytest.raises(UserError, match='begins with Resize: images are changed after one of LoadFace'):
        after_loading(Compose(resize.transforms[1:]), transform)
    with pytest.raises(UserError, match='begins with NoneType'):
        after_loading(Compose([]), transform)
