"""Every reader on real faces, written out in its layouts; labels are checked against the source."""

import importlib.util

import pytest
import torch
from conftest import REPO, SHARED
from mmengine.config import Config
from mmengine.registry import init_default_scope

from dacl_mm.datasets.labels import EXPRESSIONS
from dacl_mm.datasets.readers.affectnet import AffectNet
from dacl_mm.datasets.readers.fer2013 import FER2013
from dacl_mm.datasets.readers.ferplus import FERPlus
from dacl_mm.datasets.readers.folder import FERFolder
from dacl_mm.datasets.readers.rafdb import RAFDB

FER2013_LABELS = ('anger', 'disgust', 'fear', 'happiness', 'sadness', 'surprise', 'neutral')
PUBLIC = dict(test_part='PublicTest')
NUM_IMAGES = dict(train=600, test=200)
LAYOUTS = {
    'rafdb': (RAFDB, {}, 'rafdb'),
    'folder': (FERFolder, {}, 'folder'),
    'affectnet': (AffectNet, {}, 'affectnet7'),
    'affectnet-npy': (AffectNet, {}, 'affectnet7'),
    'affectnet-plus': (AffectNet, {}, 'affectnet7'),
    'ferplus': (FERPlus, PUBLIC, 'ferplus'),
    'fer2013': (FER2013, PUBLIC, 'fer2013'),
    'icml': (FER2013, PUBLIC, 'fer2013'),
}


@pytest.fixture(scope='module')
def source():
    """Pixels and both labels of all faces."""
    script = SHARED / 'tools' / 'fer_layouts.py'
    if not script.is_file():
        pytest.skip(f'no real faces: {script} does not exist')
    spec = importlib.util.spec_from_file_location('fer_layouts', script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rows, pixels = module.load()
    rows = [row for row in rows if row['tile'] != '']
    tiles = torch.from_numpy(pixels[[int(row['tile']) for row in rows]]).float().flatten(1)
    plus = [module.majority(row) for row in rows]
    plain = [FER2013_LABELS[int(row['fer2013'])] if row['fer2013'] else None for row in rows]
    return tiles, dict(plus=plus, plain=plain)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_labels_are_the_sources(faces, layout, source):
    init_default_scope('mmpretrain')
    reader, options, _ = LAYOUTS[layout]
    root = faces(layout, **NUM_IMAGES)
    tiles, labels = source
    names = labels['plain' if reader is FER2013 else 'plus']
    pipeline = [
        dict(type='LoadFace'),
        dict(type='Resize', scale=(48, 48), interpolation='area'),
        dict(type='PackInputs'),
    ]
    for split in ('trainval', 'test'):
        data = reader(
            data_root=str(root),
            split=split,
            classes=EXPRESSIONS,
            pipeline=pipeline,
            test_mode=True,
            **options,
        )
        items = [data[i] for i in range(len(data))]
        assert len(items) > 40
        read = torch.stack([item['inputs'].float().mean(0).ravel() for item in items])
        distances = torch.cdist(read, tiles).square()
        wrong = 0
        for item, distance in zip(items, distances, strict=True):
            nearest = (distance <= distance.min() + 1).nonzero().ravel()
            wrong += EXPRESSIONS[int(item['data_samples'].gt_label)] not in {names[k] for k in nearest}
        # The fer2013 layouts fill up faces that were not stored with noise.
        assert wrong <= (0.02 * len(data) if reader is FER2013 else 0)


@pytest.mark.parametrize('layout', LAYOUTS)
def test_the_published_pipeline(faces, layout, monkeypatch):
    reader, options, config = LAYOUTS[layout]
    root = faces(layout, **NUM_IMAGES)
    monkeypatch.setenv(reader.ROOT_VARIABLE, str(root))
    init_default_scope('mmpretrain')
    cfg = Config.fromfile(REPO / 'configs' / f'dacl_r18_{config}.py')
    sizes = {}
    for part in ('train', 'val', 'test'):
        wanted = {k: v for k, v in cfg[f'{part}_dataloader'].dataset.items() if k != 'type'}
        data = reader(**wanted, **options)
        sizes[part] = len(data)
        assert data[0]['inputs'].shape == (3, 224, 224)
    share = sizes['val'] / (sizes['train'] + sizes['val'])
    assert 0.07 < share < 0.13 and sizes['test'] > 60
