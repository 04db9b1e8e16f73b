"""The configs of docs/backbones.md: their maps as they stand, and a training step at 64 px."""

import re

import cv2
import numpy as np
import pytest
import torch
from conftest import REPO
from mmengine.config import Config
from mmengine.dataset import pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS, TRANSFORMS

from dacl_mm.config import load_config, set_options
from dacl_mm.models.heads.feature_size import set_feature_size

BLOCKS = re.findall(r'```python\n(.*?)```', (REPO / 'docs' / 'backbones.md').read_text(), re.S)


def name(block: str) -> str:
    found = re.search(r"backbone=dict\(\s*(?:_delete_=True,\s*)?type='(\w+)'", block)
    return found[1] if found else 'ResNet'


@pytest.fixture(params=BLOCKS, ids=name)
def cfg(request, tmp_path, monkeypatch) -> Config:
    monkeypatch.delenv('FER_BACKBONE', raising=False)
    (tmp_path / 'config.py').write_text(request.param)
    cfg = load_config(str(tmp_path / 'config.py'))
    set_options(cfg, {'model.head.attention.hidden_channels': [8]})
    return cfg


def crop(cfg: Config):
    return next(t for t in cfg.train_dataloader.dataset.pipeline if t.type == 'RandomFiveCrop')


def stride(cfg: Config) -> int:
    return 16 if cfg.model.backbone.type == 'VisionTransformer' else 32


def test_the_map_is_found(cfg):
    size = crop(cfg).crop_size
    set_feature_size(cfg)
    assert cfg.model.head.feat_size == size // stride(cfg)


def test_a_training_step(cfg, tmp_path):
    crop(cfg).crop_size = 64
    if cfg.model.backbone.type == 'SwinTransformer':
        cfg.model.backbone.pad_small_map = True  # as the page says
    set_feature_size(cfg)
    assert cfg.model.head.feat_size == 64 // stride(cfg)
    init_default_scope('mmpretrain')
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})
    before = [p.detach().clone() for p in model.backbone.parameters()]
    grey = np.random.default_rng(0).integers(256, size=(100, 80), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'face.png'), grey)
    pipeline = [TRANSFORMS.build(t) for t in cfg.train_dataloader.dataset.pipeline]
    batch = []
    for label in (0, 1):
        item = dict(img_path=str(tmp_path / 'face.png'), gt_label=label)
        for transform in pipeline:
            item = transform(item)
        batch.append(item)
    losses = model.train_step(pseudo_collate(batch), build_optim_wrapper(model, cfg.optim_wrapper))
    assert {'loss_cls', 'loss_center'} < losses.keys() and torch.stack([*losses.values()]).isfinite().all()
    assert any(not torch.equal(p, q) for p, q in zip(before, model.backbone.parameters()))


def test_the_page_has_eight_families():
    assert len({name(block) for block in BLOCKS}) >= 8
