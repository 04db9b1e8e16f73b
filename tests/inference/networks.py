"""Checkpoints of small networks of this package's configs."""

from pathlib import Path

import numpy as np
import torch
from conftest import REPO
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.datasets.synthetic.faces import draw_face

NARROW = dict(base_channels=8, stem_channels=8, init_cfg=None)


def small_config(config: str = 'softmax_r18_synthetic', model: str | None = None) -> Config:
    """Return a config of a narrow network, with the model of ``_base_/models`` where one is named."""
    cfg = Config.fromfile(REPO / 'configs' / f'{config}.py')
    if model:
        cfg.model = Config.fromfile(REPO / 'configs' / '_base_/models' / f'{model}.py').model
    cfg.model.backbone.update(NARROW)
    head = cfg.model.head
    while head.get('head'):
        head = head.head
    head.in_channels = 64
    if head.type in ('DACLHead', 'UncertaintyHead'):
        head.feat_size = 2  # training finds it, and stores it
    if head.type == 'DACLHead':
        head.attention.hidden_channels = (8, 4)
    return cfg


def normal_faces() -> torch.Tensor:
    """Return some embedded faces, (8, 3, 64, 64), normalised."""
    names = ('fear', 'happiness', 'anger', 'neutral')
    images = np.stack([draw_face(names[i % 4], i, 64) for i in range(8)])
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().sub(120).div(50)


def write_checkpoint(path: Path, cfg: Config, **meta) -> Path:
    """Write random weights of a config; its batch normalisation is that of no other."""
    init_default_scope('mmpretrain')
    torch.manual_seed(3)
    model = MODELS.build(dict(cfg.model) | dict(data_preprocessor=cfg.data_preprocessor))
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    model.train().backbone(normal_faces())  # its statistics: features differ from face to face
    for parameter in model.head.parameters():
        parameter.data.normal_(0, 0.3)
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=PAPER_CLASSES)) | meta
    torch.save(dict(state_dict=model.state_dict(), meta=meta), path)
    return path
