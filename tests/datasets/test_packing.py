"""What the loader hands to a model that augments by itself."""

import numpy as np
import pytest
import torch
from mmengine.registry import FUNCTIONS, init_default_scope
from mmpretrain.registry import DATASETS, TRANSFORMS
from torch.utils.data import DataLoader

from dacl_mm.datasets.draws import Draw
from dacl_mm.datasets.packing import PackPixels, pixel_collate
from dacl_mm.datasets.synthetic.faces import draw_face

PIPELINE = [dict(type='DrawFace', size=20), dict(type='PackPixels')]
FACES = dict(type='SyntheticFaces', num_images=14, pipeline=PIPELINE)


def build(**options):
    init_default_scope('mmpretrain')
    return DATASETS.build({**FACES, **options})


def test_the_draw_comes_along_in_training():
    data = build()
    sample = data[Draw(2**64 - 1, 3, 5, 2)]['data_samples']
    assert sample.draw == (2**64 - 1, 3, 5, 2) and sample.sample_idx == 5
    data.pin_draws(7, 11)
    assert data[4]['data_samples'].draw == (7, 11, 4, 0)
    assert 'draw' not in build(test_mode=True)[4]['data_samples']


def test_pixels_are_those_of_pack_inputs_without_a_copy():
    image = draw_face('fear', 3, 20)
    packed = PackPixels()(dict(img=image, gt_label=2, img_path='a.png'))
    stock = TRANSFORMS.build(dict(type='PackInputs'))(dict(img=image, gt_label=2, img_path='a.png'))
    assert torch.equal(packed['inputs'], stock['inputs'])
    assert packed['inputs'].data_ptr() == image.ctypes.data
    assert packed['data_samples'].gt_label == 2 and packed['data_samples'].img_path == 'a.png'
    mirrored = PackPixels()(dict(img=image[:, ::-1]))['inputs']
    assert torch.equal(mirrored, stock['inputs'].flip(2))


@pytest.mark.parametrize('workers', [0, 2])
def test_images_of_one_size_are_stacked_and_others_listed(workers):
    collate = FUNCTIONS.get('pixel_collate')
    data = build()
    batch = next(iter(DataLoader(data, 5, num_workers=workers, collate_fn=collate)))
    assert batch['inputs'].shape == (5, 3, 20, 20)
    assert batch['inputs'].is_contiguous(memory_format=torch.channels_last)
    for i, (image, sample) in enumerate(zip(batch['inputs'], batch['data_samples'], strict=True)):
        assert torch.equal(image, data[i]['inputs']) and sample.sample_idx == i
    mixed = pixel_collate([data[0], build(pipeline=[dict(type='DrawFace', size=30), PIPELINE[1]])[0]])
    assert [image.shape for image in mixed['inputs']] == [(3, 20, 20), (3, 30, 30)]


def test_a_pipeline_that_draws_nothing_leaves_the_generators_alone(monkeypatch):
    seeded = []
    monkeypatch.setattr(Draw, '_words', lambda draw: seeded.append(draw) or np.arange(4))
    build()[0]
    assert not seeded
    build(pipeline=[PIPELINE[0], dict(type='RandomFlip', prob=0.5), PIPELINE[1]])[0]
    assert seeded
