import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from dacl_mm.datasets.synthetic.synthetic_faces import SyntheticFaces
from dacl_mm.datasets.transforms import RandomFiveCrop

PIPELINE = [
    dict(type='DrawFace', size=40),
    dict(type='RandomFiveCrop', crop_size=32),
    dict(type='RandomFlip', prob=0.5, direction='horizontal'),
    dict(type='RandomErasing', erase_prob=0.5),
    dict(type='PackInputs'),
]


@pytest.fixture
def data():
    from mmengine.registry import init_default_scope

    init_default_scope('mmpretrain')
    return SyntheticFaces(num_images=24, pipeline=PIPELINE)


def images(data, workers=0, order=range(24), persistent=False):
    loader = DataLoader(
        data,
        4,
        sampler=list(order),
        num_workers=workers,
        collate_fn=pseudo_collate,
        persistent_workers=persistent,
    )
    return torch.stack([x for batch in loader for x in batch['inputs']])


def test_draws_depend_on_seed_epoch_and_sample_only(data):
    data.set_draw(1, 2)
    first = images(data)
    torch.manual_seed(99)
    np.random.seed(99)
    assert torch.equal(images(data, workers=2), first)
    assert torch.equal(images(data, order=reversed(range(24))).flip(0), first)
    for seed, epoch in ((1, 3), (2, 2)):
        data.set_draw(seed, epoch)
        assert not torch.equal(images(data), first)


def test_living_workers_see_the_next_epoch(data):
    loader = DataLoader(data, 4, num_workers=2, collate_fn=pseudo_collate, persistent_workers=True)
    for epoch in range(2):
        data.set_draw(1, epoch)
        seen = torch.stack([x for batch in loader for x in batch['inputs']])
        assert torch.equal(seen, images(data))


def test_draws_leave_the_global_generators_alone(data):
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(5)
    np.random.seed(5)
    data[0]
    assert (torch.rand(1), np.random.rand()) == expected


def test_five_crop_yields_corners_and_center_evenly():
    image = np.arange(100, dtype=np.uint8).reshape(10, 10)
    crop = RandomFiveCrop(4)
    np.random.seed(0)
    corners = [int(crop(dict(img=image))['img'][0, 0]) for _ in range(1000)]
    assert set(corners) == {0, 6, 60, 66, 33}
    assert min(np.bincount(corners)[[0, 6, 60, 66, 33]]) > 150


def test_five_crop_refuses_small_images():
    with pytest.raises(ValueError, match=r'a\.jpg: 10 x 10 px is smaller than the 11 px crop'):
        RandomFiveCrop(11)(dict(img=np.zeros((10, 10, 3)), img_path='a.jpg'))
