"""Erasing, affine and colour steps of a batch against the per-image transforms, parameters being equal."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import TRANSFORMS
from pictures import faces, tensors
from scipy import stats
from torchvision.transforms import RandomAffine as TorchvisionAffine

from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors import erasing
from dacl_mm.models.preprocessors.transform import build_transform
from dacl_mm.models.preprocessors.uniforms import draw_keys, uniforms
from dacl_mm.models.preprocessors.view import View


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmpretrain')


@pytest.fixture(params=[False, True], ids=['bgr', 'rgb'])
def rgb(request):
    return request.param


def numbers_of(transform, count, seed=0):
    keys = draw_keys(np.array([(seed, 0, i, 0) for i in range(count)], np.uint64))
    return uniforms(keys, 0, transform.numbers)


def batched(transform, images, numbers, rgb=False):
    """Images after a batched transform, in BGR whatever the order in the batch."""
    batch = torch.stack(tensors(images))
    done = transform(View.of(batch.flip(1) if rgb else batch, rgb), numbers).pixels()
    return list((done.flip(1) if rgb else done).permute(0, 2, 3, 1).numpy())


def gaps(found, expected):
    """Largest difference in grey levels, and the share of values that differ."""
    gap = np.abs(np.stack(found).astype(int) - np.stack(expected))
    return gap.max(), (gap > 0).mean()


# Erasing


ERASING = dict(
    type='RandomErasing', erase_prob=0.7, min_area_ratio=0.05, max_area_ratio=0.3, aspect_range=(0.4, 2.5)
)


def test_erasing_fills_the_patches_of_the_per_image_one(rgb, monkeypatch):
    cfg = dict(ERASING, fill_color=(10, 120.9, 250))
    per_image = TRANSFORMS.build(dict(cfg))
    transform, images = build_transform(cfg), faces(40, 50, 40)
    numbers = numbers_of(transform, 40)
    patches = transform.patches((40, 50), numbers)
    expected = [
        per_image._fill_pixels(image.copy(), *patch) for image, patch in zip(images, patches, strict=True)
    ]
    assert gaps(batched(transform, images, numbers, rgb), expected) == (0, 0)
    monkeypatch.setattr(erasing, '_erase_each', erasing._erase_masked)  # the way that serves GPUs
    assert gaps(batched(transform, images, numbers, rgb), expected) == (0, 0)
    assert 15 < (patches[:, 2] > 0).sum() < 40


@pytest.mark.parametrize('size', [(40, 50), (20, 90)])
def test_patches_are_distributed_as_the_per_image_ones(size, monkeypatch):
    """MMPretrain's own arithmetic, fed with the batched transform's numbers."""
    per_image, transform = TRANSFORMS.build(dict(ERASING)), build_transform(ERASING)
    numbers = numbers_of(transform, 300)
    patches = transform.patches(size, numbers)
    for row, patch in zip(numbers.tolist(), patches.tolist(), strict=True):
        whole = (patch[2] == size[0], patch[3] == size[1])  # MMPretrain draws no place then
        feed(monkeypatch, row[:3] + [u for u, full in zip(row[3:5], whole) if not full])
        expected = [0] * 4 if per_image.random_disable() else list(per_image.random_patch(*size))
        assert patch == expected


def feed(monkeypatch, row):
    """Let numpy draw the numbers of a row."""
    numbers = iter(row)
    monkeypatch.setattr(np.random, 'rand', lambda: next(numbers))
    monkeypatch.setattr(np.random, 'uniform', lambda low, high: low + (high - low) * next(numbers))
    monkeypatch.setattr(np.random, 'randint', lambda low, high: low + int((high - low) * next(numbers)))


def test_noise_of_erasing(rgb):
    images = faces(60, 40)
    even = build_transform(dict(ERASING, mode='rand', erase_prob=1.0))
    numbers = numbers_of(even, 60)
    inside = np.zeros((60, 40, 40), bool)
    for mask, (top, left, height, width) in zip(inside, even.patches((40, 40), numbers), strict=True):
        mask[top : top + height, left : left + width] = True
    found = np.stack(batched(even, images, numbers, rgb))
    assert (found[~inside] == np.stack(images)[~inside]).all()
    assert abs(found[inside].mean() - 127.5) < 2 and abs(found[inside].std() - 73.9) < 1
    assert len({image[mask].tobytes() for image, mask in zip(found, inside)}) == 60
    color, std = np.array([40, 120, 200]), np.array([3, 6, 9])
    normal = build_transform(
        dict(ERASING, mode='rand', erase_prob=1.0, fill_color=color.tolist(), fill_std=std.tolist())
    )
    found = np.stack(batched(normal, images, numbers, rgb))[inside]
    assert (np.abs(found.mean(0) - color) < 1).all() and (np.abs(found.std(0) - std) < 0.5).all()
    assert (np.stack(batched(normal, images, numbers, rgb))[inside] == found).all()


# Affine


@pytest.mark.parametrize('interpolation', ['nearest', 'bilinear'])
@pytest.mark.parametrize(
    'options',
    [
        dict(degrees=30),
        dict(degrees=(5, 25), translate=(0.1, 0.2), scale=(0.8, 1.2), shear=10),
        dict(degrees=15, shear=(-10, 10, -5, 5), fill=(20, 130, 240)),
        dict(degrees=40, center=(3, 50), fill=77),
        dict(degrees=0, translate=(0.2, 0.1)),
    ],
    ids=str,
)
def test_affine_is_pillows(options, interpolation, rgb, monkeypatch):
    cfg = dict(type='RandomAffine', interpolation=interpolation, **options)
    per_image, transform = TRANSFORMS.build(dict(cfg)), build_transform(cfg)
    images, numbers = faces(20, 100, 80), numbers_of(transform, 20)
    expected = []
    for image, row in zip(images, numbers, strict=True):
        chosen = parameters(transform, row)
        monkeypatch.setattr(per_image.affine, 'get_params', lambda *ranges, chosen=chosen: chosen)
        expected.append(per_image(dict(img=image))['img'])
    largest, share = gaps(batched(transform, images, numbers, rgb), expected)
    if interpolation == 'bilinear':
        assert largest <= 1 and share < 1e-4
    else:
        assert share == 0
    moved = [not np.array_equal(a, b) for a, b in zip(expected, images)]
    assert sum(moved) >= 18


def parameters(transform, row):
    """Angle, shift, scale and shears that torchvision would draw by these numbers."""
    angle, scale, *shears = (low + (high - low) * u for (low, high), u in zip(transform.ranges, row))
    shift = [
        round(share * side * (2 * u - 1)) for share, side, u in zip(transform.translate, (100, 80), row[4:])
    ]
    return angle, shift, scale, shears


def test_affine_ranges_are_torchvisions():
    options = dict(degrees=15, translate=(0.1, 0.3), scale=(0.8, 1.2), shear=(-10, 10, -5, 5))
    transform = build_transform(dict(type='RandomAffine', **options))
    rows = numbers_of(transform, 2000)
    found = [np.hstack(parameters(transform, row)) for row in rows]
    own = TorchvisionAffine(**options)
    drawn = [
        np.hstack(own.get_params(own.degrees, own.translate, own.scale, own.shear, [100, 80])) for _ in rows
    ]
    for ours, theirs in zip(np.stack(found, axis=1), np.stack(drawn, axis=1)):
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-3


def test_affine_moves_the_share_of_images_that_it_is_given():
    images, options = faces(200, 24, 24), dict(degrees=(20, 20), interpolation='bilinear')
    whole, half = (build_transform(dict(type='RandomAffine', prob=p, **options)) for p in (1.0, 0.4))
    numbers = numbers_of(half, 200)
    moved, some = batched(whole, images, numbers, False), batched(half, images, numbers, False)
    chosen = numbers[:, 6] < 0.4
    for image, all_moved, got, choice in zip(images, moved, some, chosen, strict=True):
        assert np.array_equal(got, all_moved if choice else image)
    assert 50 < chosen.sum() < 110
    per_image = TRANSFORMS.build(dict(type='RandomAffine', prob=0.4, **options))
    np.random.seed(0)
    results = [per_image(dict(img=image))['img'] for image in images]
    assert 50 < sum(not np.array_equal(a, b) for a, b in zip(results, images)) < 110


# Colours


@pytest.mark.parametrize(
    'options',
    [
        dict(brightness=0.6),
        dict(contrast=(0.0, 2.0)),
        dict(saturation=0.9),
        dict(hue=(0.0, 0.5)),
        dict(brightness=0.4, contrast=0.4, saturation=0.4),
        dict(brightness=(0.5, 0.9), contrast=0.7, saturation=(0.2, 3.0), hue=(0.05, 0.2)),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Only use 'alpha'")
def test_color_jitter_is_pillows(options, rgb, monkeypatch):
    cfg = dict(type='ColorJitter', **options)
    per_image, transform = TRANSFORMS.build(dict(cfg)), build_transform(cfg)
    images = faces(48, 40) + [np.full((40, 40, 3), 90, np.uint8), np.zeros((40, 40, 3), np.uint8)]
    numbers = numbers_of(transform, 50)
    order, factors = transform.parameters(numbers)
    expected = []
    for image, steps, values in zip(images, order, factors.tolist(), strict=True):
        own = [per_image.brightness, per_image.contrast, per_image.saturation, per_image.hue]
        values = [None if bounds is None else value for bounds, value in zip(own, values)]
        monkeypatch.setattr(per_image, '_rand_params', lambda steps=steps, values=values: (steps, *values))
        expected.append(per_image(dict(img=image))['img'])
    assert gaps(batched(transform, images, numbers, rgb), expected) == (0, 0)
    assert len({tuple(steps) for steps in order}) > 15


def test_hue_turns_both_ways():
    """A third of a turn exchanges the channels of pure colours; MMCV cannot turn back."""
    pure = np.eye(3, dtype=np.uint8)[[[0, 1, 2]]] * 200
    for shift, turned in ((1 / 3, [1, 2, 0]), (-1 / 3, [2, 0, 1])):
        transform = build_transform(dict(type='ColorJitter', hue=(shift, shift)))
        found = batched(transform, [pure[..., ::-1].copy()], numbers_of(transform, 1))[0][..., ::-1]
        assert np.abs(found.astype(int) - pure[:, turned]).max() <= 5  # of 255, as the hue has 8 bits


def test_factors_cover_their_ranges():
    transform = build_transform(dict(type='ColorJitter', brightness=0.4, hue=0.1))
    _, factors = transform.parameters(numbers_of(transform, 2000))
    assert np.allclose(factors.min(0), [0.6, 1, 1, -0.1], atol=0.01)
    assert np.allclose(factors.max(0), [1.4, 1, 1, 0.1], atol=0.01)


@pytest.mark.parametrize(
    ('transform', 'message'),
    [
        (dict(type='ColorJitter', brightness=-0.5), 'brightness of ColorJitter must be a number from 0'),
        (dict(type='ColorJitter', hue=(0.3, 0.1)), 'hue of ColorJitter'),
        (dict(type='ColorJitter', backend='cv2'), "must be 'pillow', got 'cv2'"),
        (dict(type='RandomErasing', erase_prob=2), 'needs erase_prob'),
        (dict(type='RandomErasing', mode='mean'), "must be 'const' or 'rand', got 'mean'"),
        (dict(type='RandomErasing', aspect_range=(0.0, 1.0)), 'aspect_range of RandomErasing must be pos'),
        (dict(type='RandomAffine', degrees=5, interpolation='bicubic'), "got 'bicubic'"),
        (dict(type='RandomAffine', degrees=5, translate=(2.0, 0.0)), 'RandomAffine: translation values'),
    ],
    ids=str,
)
def test_faults(transform, message):
    with pytest.raises(UserError, match=message):
        build_transform(transform)
