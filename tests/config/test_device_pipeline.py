"""Transforms move from the data sets to the preprocessor, as far as they can."""

import pytest
from mmengine.config import Config
from small_runner import listen

from dacl_mm.config import load_config, set_options
from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.models.preprocessors import has_counterpart, transform

EDGE = dict(type='ResizeEdge', scale=256, edge='short', backend='pillow')
FIVE = dict(type='RandomFiveCrop', crop_size=224)
FLIP = dict(type='RandomFlip', prob=0.5, direction='horizontal')
CENTER = dict(type='CenterCrop', crop_size=224)
LOAD, PACK, PIXELS = dict(type='LoadFace'), dict(type='PackInputs'), dict(type='PackPixels')
LIGHTING = dict(type='Lighting', eigval=[1.0], eigvec=[[1.0]])


def config(train=(LOAD, EDGE, FIVE, FLIP, PACK), val=(LOAD, EDGE, CENTER, PACK), test=None, **options):
    def loader(pipeline):
        return dict(
            dataset=dict(type='RAFDB', pipeline=list(pipeline)), collate_fn=dict(type='default_collate')
        )

    return Config(
        dict(
            train_dataloader=loader(train),
            val_dataloader=loader(val),
            test_dataloader=loader(test or val),
            data_preprocessor=dict(num_classes=7, to_rgb=True),
            **options,
        )
    )


def moved(cfg):
    move_to_device(cfg, has_counterpart)
    return cfg.data_preprocessor


def pipelines(cfg):
    return [cfg[f'{name}_dataloader'].dataset.pipeline for name in ('train', 'val', 'test')]


@pytest.mark.parametrize('name', ['dacl_r18_rafdb', 'softmax_r18_affectnet7', 'center_r18_synthetic'])
def test_the_packaged_configs_move_whole_and_pass_the_checks(name):
    cfg = load_config(name)
    before = pipelines(load_config(name))
    preprocessor = moved(cfg)
    assert preprocessor.type == 'BatchPreprocessor' and preprocessor.to_rgb
    assert preprocessor.train_pipeline == before[0][1:-1]
    assert preprocessor.test_pipeline == before[1][1:-1]
    for pipeline, old in zip(pipelines(cfg), before):
        assert pipeline == [old[0], PIXELS]
    assert cfg.val_dataloader.collate_fn == dict(type='pixel_collate')
    set_options(cfg, {})


def test_a_transform_without_counterpart_stays_with_all_before_it():
    cfg = config(train=(LOAD, EDGE, LIGHTING, FIVE, FLIP, PACK))
    preprocessor = moved(cfg)
    assert preprocessor.train_pipeline == [FIVE, FLIP]
    assert pipelines(cfg)[0] == [LOAD, EDGE, LIGHTING, PIXELS]
    bicubic = config(train=(LOAD, dict(EDGE, interpolation='bicubic'), FLIP, PACK))
    assert moved(bicubic).train_pipeline == [FLIP]


@pytest.mark.parametrize(('device', 'gain'), [('cpu', False), ('cuda', True)])
def test_what_pillow_does_faster_stays_on_a_cpu(device, gain, monkeypatch):
    monkeypatch.setattr(transform, 'get_device', lambda: device)
    jitter, affine = dict(type='ColorJitter', brightness=0.2), dict(type='RandomAffine', degrees=5)
    erasing = dict(type='RandomErasing')
    cfg = config(train=(LOAD, EDGE, FIVE, affine, jitter, FLIP, erasing, PACK))
    tail = [FLIP, erasing]
    assert moved(cfg).train_pipeline == ([EDGE, FIVE, affine, jitter, *tail] if gain else tail)


def test_validation_and_test_give_what_they_share():
    cfg = config(test=(LOAD, dict(EDGE, scale=240), CENTER, dict(PACK, meta_keys=('img_path',))))
    assert moved(cfg).test_pipeline == [CENTER]
    assert pipelines(cfg)[1:] == [
        [LOAD, EDGE, PIXELS],
        [LOAD, dict(EDGE, scale=240), dict(PIXELS, meta_keys=('img_path',))],
    ]


def test_data_sets_inside_a_wrapper_give_what_they_share():
    cfg = config()
    inner = [dict(type='RAFDB', pipeline=[LOAD, LIGHTING, *first, FLIP, PACK]) for first in ([EDGE], [FIVE])]
    cfg.train_dataloader.dataset = dict(type='ConcatDataset', datasets=inner)
    assert moved(cfg).train_pipeline == [FLIP]
    kept = [dataset.pipeline for dataset in cfg.train_dataloader.dataset.datasets]
    assert kept == [[LOAD, LIGHTING, EDGE, PIXELS], [LOAD, LIGHTING, FIVE, PIXELS]]


def test_random_transforms_of_testing_stay(tmp_path):
    cfg = config(val=(LOAD, FLIP, EDGE, CENTER, PACK))
    assert moved(cfg).test_pipeline == [EDGE, CENTER]


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(data_preprocessor=dict(type='SelfSupDataPreprocessor')), 'is a SelfSupDataPreprocessor'),
        (dict(train_dataloader=dict(collate_fn=dict(type='own_collate'))), 'collate_fn is not one of'),
        (dict(train_dataloader=dict(dataset=dict(pipeline=[LOAD, FLIP]))), 'does not end in PackInputs'),
    ],
    ids=['preprocessor', 'collate', 'pack'],
)
def test_what_cannot_move_is_left_alone_and_said(change, message, tmp_path):
    read = listen(tmp_path / 'log.txt')
    cfg = config()
    cfg.merge_from_dict(change)
    before = cfg.train_dataloader.to_dict()
    move_to_device(cfg, has_counterpart)
    assert cfg.train_dataloader.to_dict() == before
    assert message in read()


def test_what_moves_is_said(tmp_path):
    read = listen(tmp_path / 'log.txt')
    moved(config())
    assert 'train_dataloader: ResizeEdge, RandomFiveCrop, RandomFlip on the device' in read()
    assert 'val_dataloader and test_dataloader: ResizeEdge, CenterCrop on the device' in read()


def test_own_test_time_augmentation_keeps_the_test_pipelines():
    cfg = config(tta_pipeline=[LOAD, EDGE, CENTER, dict(type='TestTimeAug', transforms=[[FLIP], [PACK]])])
    assert moved(cfg).test_pipeline == []
    assert pipelines(cfg)[1] == [LOAD, EDGE, CENTER, PACK]


def test_moving_twice_is_moving_once():
    cfg = config()
    once = moved(cfg).to_dict()
    assert moved(cfg).to_dict() == once
    assert pipelines(cfg)[0] == [LOAD, PIXELS]
