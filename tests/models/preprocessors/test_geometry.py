"""Resizes, crops and flips of a batch against the per-image transforms of the same names."""

import numpy as np
import pytest
import torch
from mmengine.registry import init_default_scope
from mmpretrain.registry import TRANSFORMS
from pictures import faces, tensors

from dacl_mm.models.preprocessors.pipeline import BatchPipeline
from dacl_mm.models.preprocessors.uniforms import draw_keys, uniforms
from dacl_mm.models.preprocessors.view import View

EDGE = dict(type='ResizeEdge', scale=256, edge='short', backend='pillow')
#: Width, height, scale, and whether torch's kernel rounds all of them as Pillow does.
SIZES = [
    (100, 100, 256, True),
    (48, 48, 72, True),
    (48, 48, 256, True),
    (224, 224, 256, True),
    (512, 512, 256, True),
    (61, 97, 256, False),
    (400, 300, 256, False),
    (100, 100, 72, False),
    (500, 410, 256, False),
]


def per_image(cfg, images):
    """Apply MMPretrain's transform to each image."""
    init_default_scope('mmpretrain')
    transform = TRANSFORMS.build(dict(cfg))
    return [transform(dict(img=image, img_shape=image.shape[:2]))['img'] for image in images]


def keys(count, seed=0):
    return draw_keys(np.array([(seed, 0, i, 0) for i in range(count)], np.uint64))


def view(cfgs, images, seed=0):
    """A batch after batched transforms."""
    cfgs = cfgs if isinstance(cfgs, list) else [cfgs]
    return BatchPipeline(cfgs)(View.of(torch.stack(tensors(images)), rgb=False), keys(len(images), seed))


def on_cpu(*args, **kwargs):
    return list(view(*args, **kwargs).pixels().permute(0, 2, 3, 1).numpy())


def by_index(*args, **kwargs):
    """The way that serves GPUs."""
    return list(view(*args, **kwargs).resample().permute(0, 2, 3, 1).numpy())


def differences(batched, expected):
    """Largest and mean difference in grey levels."""
    gaps = [np.abs(a.astype(int) - b) for a, b in zip(batched, expected, strict=True)]
    return max(int(gap.max()) for gap in gaps), float(np.mean([gap.mean() for gap in gaps]))


@pytest.mark.parametrize(('width', 'height', 'scale', 'exact'), SIZES)
def test_resize_edge_is_pillows(width, height, scale, exact):
    images = faces(4, width, height)
    cfg = {**EDGE, 'scale': scale}
    expected = per_image(cfg, images)
    assert differences(by_index(cfg, images), expected) == (0, 0)
    largest, mean = differences(on_cpu(cfg, images), expected)
    assert largest <= (not exact) and mean < 0.01


@pytest.mark.parametrize('way', [on_cpu, by_index])
@pytest.mark.parametrize(('width', 'height', 'scale', 'exact'), SIZES)
def test_resize_edge_is_opencvs_within_a_level(width, height, scale, exact, way):
    images = faces(2, width, height)
    cfg = dict(type='ResizeEdge', scale=scale)
    largest, mean = differences(way(cfg, images), per_image(cfg, images))
    assert largest <= 1 and mean < 0.4


@pytest.mark.parametrize(
    'cfg',
    [
        *(dict(type='ResizeEdge', scale=70, edge=e, backend='pillow') for e in ('long', 'width', 'height')),
        dict(type='Resize', scale=90, backend='pillow'),
        dict(type='Resize', scale=(150, 75), backend='pillow'),
        dict(type='Resize', scale=(200, 90), keep_ratio=True, backend='pillow'),
        dict(type='Resize', scale_factor=1.27, backend='pillow'),
        dict(type='Resize', scale_factor=(0.5, 2.0), backend='pillow'),
    ],
    ids=str,
)
@pytest.mark.parametrize('size', [(100, 75), (80, 100)])
def test_other_resizes(cfg, size):
    images = faces(2, *size)
    expected = per_image(cfg, images)
    assert differences(by_index(cfg, images), expected) == (0, 0)
    wider_and_lower = expected[0].shape[1] > size[0] and expected[0].shape[0] < size[1]
    largest, mean = differences(on_cpu(cfg, images), expected)
    assert largest <= 1 and mean < (0.25 if wider_and_lower else 0.03)


@pytest.mark.parametrize('way', [on_cpu, by_index])
@pytest.mark.parametrize('size', [(100, 75), (71, 90), (50, 50)])
@pytest.mark.parametrize('crop', [64, 33, (40, 70)], ids=str)
def test_center_crop_is_the_same(crop, size, way):
    cfg = dict(type='CenterCrop', crop_size=crop)
    images = faces(2, *size)
    assert differences(way(cfg, images), per_image(cfg, images)) == (0, 0)


def windows(image, height, width):
    """All crops of an image, by place."""
    rows, columns = image.shape[0] - height + 1, image.shape[1] - width + 1
    return {
        (y, x): image[y : y + height, x : x + width].tobytes() for y in range(rows) for x in range(columns)
    }


def places(batch, images):
    """Where each crop was cut."""
    found = []
    for crop, image in zip(batch, images, strict=True):
        where = [at for at, cut in windows(image, *crop.shape[:2]).items() if cut == crop.tobytes()]
        assert len(where) == 1
        found += where
    return found


@pytest.mark.parametrize('way', [on_cpu, by_index])
def test_five_crop_cuts_what_the_per_image_one_does_evenly(way, monkeypatch):
    images = faces(400, 25, 20)
    found = places(way(dict(type='RandomFiveCrop', crop_size=15), images), images)
    cut = []
    for which in range(5):
        monkeypatch.setattr(np.random, 'randint', lambda _, which=which: which)
        cut += places(per_image(dict(type='RandomFiveCrop', crop_size=15), images[:1]), images[:1])
    counts = [found.count(place) for place in cut]
    assert sum(counts) == 400 and min(counts) > 50


@pytest.mark.parametrize('way', [on_cpu, by_index])
def test_random_crop_cuts_everywhere(way):
    images = faces(300, 18, 17)
    found = places(way(dict(type='RandomCrop', crop_size=(14, 16)), images), images)
    assert set(found) == {(y, x) for y in range(4) for x in range(3)}
    large = faces(2, 12)
    assert differences(way(dict(type='RandomCrop', crop_size=20), large), large) == (0, 0)


FLIPS = {None: lambda x: x, 'h': lambda x: x[:, ::-1], 'v': lambda x: x[::-1], 'hv': lambda x: x[::-1, ::-1]}


@pytest.mark.parametrize('way', [on_cpu, by_index])
@pytest.mark.parametrize(
    ('cfg', 'shares'),
    [
        (dict(prob=0.5), {None: 0.5, 'h': 0.5}),
        (dict(prob=1.0), {'h': 1}),
        (dict(prob=0.0), {None: 1}),
        (dict(prob=0.6, direction=['horizontal', 'vertical']), {None: 0.4, 'h': 0.3, 'v': 0.3}),
        (dict(prob=[0.2, 0.7], direction=['vertical', 'diagonal']), {None: 0.1, 'v': 0.2, 'hv': 0.7}),
    ],
    ids=str,
)
def test_flips_are_exact_and_as_often(cfg, shares, way):
    images = faces(600, 12, 10)
    found = dict.fromkeys(FLIPS, 0)
    for flipped, image in zip(way(dict(type='RandomFlip', **cfg), images), images, strict=True):
        names = [name for name, flip in FLIPS.items() if np.array_equal(flip(image), flipped)]
        assert len(names) == 1
        found[names[0]] += 1
    for name, count in found.items():
        share = shares.get(name, 0)
        assert abs(count / 600 - share) < 0.07 if 0 < share < 1 else count == 600 * share


@pytest.mark.parametrize('way', [on_cpu, by_index])
def test_crops_of_flips_and_flips_of_crops(way):
    """In any order, a chain equals its steps one after another."""
    chain = [
        dict(type='RandomFlip', prob=0.6, direction=['horizontal', 'vertical', 'diagonal']),
        dict(type='RandomCrop', crop_size=(30, 35)),
        dict(type='RandomFlip', prob=0.8, direction=['horizontal', 'diagonal']),
        dict(type='RandomFiveCrop', crop_size=24),
        dict(type='ResizeEdge', scale=31, backend='pillow'),
        dict(type='RandomCrop', crop_size=21),
    ]
    images = faces(40, 45, 40)
    whole = view(chain, images)
    step = View.of(torch.stack(tensors(images)), rgb=False)
    single = BatchPipeline(chain)
    for stream, transform in enumerate(single.transforms):
        numbers = uniforms(keys(40), stream, transform.numbers)
        step = View.of(transform(step, numbers).resample(), rgb=False)
    found = whole.pixels() if way is on_cpu else whole.resample()
    gap = (found.int() - step.images).abs()
    assert gap.max() <= (way is on_cpu) and gap.float().mean() < 0.02
