"""What is asked of a backbone, its neck and the pipeline, and what is said where it is missing."""

import pytest
from mmengine.config import Config, ConfigDict

from dacl_mm.config import load_config, set_options, set_tta
from dacl_mm.errors import UserError
from dacl_mm.models.heads.feature_size import set_feature_size


def config(**model) -> Config:
    cfg = load_config('dacl_r18_synthetic')
    set_options(cfg, {f'model.{key}': value for key, value in model.items()})
    return cfg


def swap(cfg: Config, **backbone) -> Config:
    cfg.model.backbone = ConfigDict(backbone)
    return cfg


def test_the_size_follows_the_pipeline():
    cfg = config()
    assert 'feat_size' not in cfg.model.head
    set_feature_size(cfg)
    assert cfg.model.head.feat_size == 2
    rafdb = load_config('dacl_r18_rafdb')
    set_feature_size(rafdb)
    assert rafdb.model.head.feat_size == 7


def test_a_map_that_is_no_square():
    cfg = config()
    pipeline = cfg.train_dataloader.dataset.pipeline
    pipeline[1] = ConfigDict(type='Resize', scale=(96, 64))  # width, height
    set_feature_size(cfg)
    assert list(cfg.model.head.feat_size) == [2, 3]


def test_what_is_given_stays():
    cfg = config(**{'head.feat_size': 7})
    set_feature_size(cfg)
    assert cfg.model.head.feat_size == 7


def test_below_wrappers():
    cfg = config()
    cfg.train_dataloader.dataset = dict(type='RepeatDataset', times=2, dataset=cfg.train_dataloader.dataset)
    set_tta(cfg)
    set_feature_size(cfg)
    assert cfg.model.module.head.feat_size == 2


@pytest.mark.parametrize('name', ['softmax_r18_synthetic', 'center_r18_synthetic'])
def test_other_heads_are_left_alone(name):
    cfg = load_config(name)
    before = cfg.pretty_text
    set_feature_size(cfg)
    assert cfg.pretty_text == before


@pytest.mark.parametrize(
    ('backbone', 'message'),
    [
        (dict(type='ConvNeXt', arch='atto'), r'model\.backbone\.gap_before_final_norm=False'),
        (dict(type='VisionTransformer', arch='deit-tiny'), r"model\.backbone\.out_type='featmap'"),
        (
            dict(type='DistilledVisionTransformer', arch='deit-tiny'),
            r"model\.backbone\.out_type='featmap'",
        ),
        (dict(type='TNT', arch='s', img_size=64), 'take a backbone that has one'),
        (dict(type='SwinTransformer', arch='tiny'), r'64 x 64 px.*pad_small_map=True'),
        (dict(type='MobileNetV3', arch='small'), r'model\.head\.in_channels=576'),
    ],
    ids=lambda value: value['type'] if isinstance(value, dict) else '',
)
def test_the_message_names_the_key(backbone, message):
    with pytest.raises(UserError, match=message):
        set_feature_size(swap(config(), **backbone))


def test_a_neck_that_pools_is_named():
    cfg = config()
    cfg.model.neck = dict(type='GlobalAveragePooling')
    with pytest.raises(UserError, match=r'GlobalAveragePooling pools: set model\.neck=None'):
        set_feature_size(cfg)


@pytest.mark.parametrize(
    ('transform', 'message'),
    [
        (dict(type='ResizeEdge', scale=64), 'images of several sizes'),
        (dict(type='LoadImageFromFile'), 'cannot be run on a blank image'),
    ],
)
def test_a_pipeline_that_does_not_tell(transform, message):
    cfg = config()
    cfg.train_dataloader.dataset.pipeline[1] = transform
    with pytest.raises(UserError, match=rf'{message}.*model\.head\.feat_size'):
        set_feature_size(cfg)
