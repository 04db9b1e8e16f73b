"""Every fast setting at once: what it sets, what it leaves alone, and that predictions stay."""

import pickle

import layouts
import numpy as np
import torch
from conftest import run_tool
from mmengine.config import ConfigDict

from dacl_mm.config import load_config
from dacl_mm.engine.fast import set_fast

PARTS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


def types(pipeline) -> list[str]:
    return [transform['type'] for transform in pipeline]


def test_what_is_turned_on():
    cfg = load_config('dacl_r18_rafdb')
    set_fast(cfg)
    for part in PARTS:
        assert cfg[part].dataset.storage == dict(where='disk')
        assert types(cfg[part].dataset.pipeline) == ['LoadFace', 'PackPixels']
    moved = cfg.data_preprocessor
    assert types(moved.train_pipeline) == ['ResizeEdge', 'RandomFiveCrop', 'RandomFlip']
    assert types(moved.test_pipeline) == ['ResizeEdge', 'CenterCrop']
    assert moved.channels_last and cfg.optim_wrapper.optimizer.fused
    assert cfg.optim_wrapper.type == 'BFloat16OptimWrapper'
    assert cfg.val_cfg.fp16 and cfg.test_cfg.fp16
    assert types(cfg.custom_hooks).count('ChannelsLastHook') == 1


def test_what_the_config_says_stays():
    cfg = load_config('dacl_r18_rafdb')
    cfg.train_dataloader.dataset.storage = None
    cfg.optim_wrapper = ConfigDict(type='AmpOptimWrapper', optimizer=dict(type='SGD', lr=1, foreach=True))
    cfg.test_cfg.fp16 = False
    cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
    set_fast(cfg)
    assert cfg.train_dataloader.dataset.storage is None and cfg.val_cfg is None
    assert cfg.optim_wrapper == dict(type='AmpOptimWrapper', optimizer=dict(type='SGD', lr=1, foreach=True))
    assert cfg.test_cfg.fp16 is False


def test_other_optimizers_and_drawn_faces():
    cfg = load_config('softmax_r18_synthetic')
    cfg.optim_wrapper.optimizer = ConfigDict(type='RMSprop', lr=1)
    cfg.custom_hooks = None
    set_fast(cfg)
    assert 'fused' not in cfg.optim_wrapper.optimizer and types(cfg.custom_hooks) == ['ChannelsLastHook']


def test_trains_and_predicts_as_without(tmp_path):
    layouts.folder(tmp_path / 'faces')
    config = tmp_path / 'small.py'
    config.write_text(f"""_base_ = 'dacl_mm::dacl_r18_folder.py'
edge = dict(type='ResizeEdge', scale=36, edge='short', backend='pillow')
load, pack = dict(type='LoadFace'), dict(type='PackInputs')
train_pipeline = [load, edge, dict(type='RandomFiveCrop', crop_size=32), pack]
test_pipeline = [load, edge, dict(type='CenterCrop', crop_size=32), pack]
root = {str(tmp_path / 'faces')!r}
train_dataloader = dict(
    batch_size=4, num_workers=0, dataset=dict(data_root=root, split='trainval', pipeline=train_pipeline)
)
val_dataloader = dict(num_workers=0, dataset=dict(data_root=root, split='test', pipeline=test_pipeline))
test_dataloader = dict(num_workers=0, dataset=dict(data_root=root, pipeline=test_pipeline))
protocol = 'paper protocol'
train_cfg = dict(max_epochs=1)
# Statistics of the last batch, which two steps would leave far from the images'.
model = dict(
    backbone=dict(norm_cfg=dict(type='BN', momentum=1.0)),
    head=dict(attention=dict(hidden_channels=(16, 8))),
)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
""")
    run_tool('train', config, '--fast', '--work-dir', tmp_path / 'run')
    scores = {}
    for name, flags in (('exact', []), ('fast', ['--fast'])):
        dump = tmp_path / f'{name}.pkl'
        run_tool('test', config, tmp_path / 'run/epoch_1.pth', *flags, '--dump', dump, '--work-dir', tmp_path)
        rows = pickle.loads(dump.read_bytes())
        scores[name] = {row['img_path']: row['pred_score'].float().numpy() for row in rows}
    assert scores['exact'].keys() == scores['fast'].keys() and len(scores['fast']) > 6
    differences = [np.abs(scores['exact'][path] - score).max() for path, score in scores['fast'].items()]
    assert 0 < max(differences) < 0.1  # of bfloat16
    weights = torch.load(tmp_path / 'run/epoch_1.pth', weights_only=True)['state_dict']
    assert weights['head.fc.weight'].dtype == torch.float32
