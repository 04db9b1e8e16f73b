"""A training whose transforms have moved to the device is the one it was."""

import pytest
import torch

from dacl_mm.config import load_config, set_options
from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.engine.launch import build_runner
from dacl_mm.models.preprocessors import BatchPreprocessor, has_counterpart

EDGE = dict(type='ResizeEdge', scale=48, edge='short', backend='pillow')
CROP = dict(type='CenterCrop', crop_size=32)
FLIP = dict(type='RandomFlip', prob=1.0, direction='horizontal')


def run(name, tmp_path, on_device, transforms=None, workers=0, **options):
    """Train for two iterations and test; returns the runner and what it predicts."""
    cfg = load_config(name)
    changes = {
        'train_dataloader.batch_size': 8,
        'train_dataloader.dataset.num_images': 16,
        'train_dataloader.num_workers': workers,
        'test_dataloader.dataset.num_images': 14,
        'test_dataloader.num_workers': 0,
        'train_cfg.max_epochs': 1,
        'default_hooks.checkpoint': None,
        **options,
    }
    if 'dacl' in name:
        changes['model.head.attention.hidden_channels'] = [32, 16, 8]
    set_options(cfg, changes)
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.custom_hooks = [dict(type='AugmentationSeedHook'), dict(type='CenterUpdateHook')]
    if transforms is not None:
        cfg.train_dataloader.dataset.pipeline[1:-1] = transforms
        cfg.test_dataloader.dataset.pipeline[1:-1] = [EDGE, CROP]
    if on_device:
        move_to_device(cfg, has_counterpart)
    cfg.work_dir = str(tmp_path / str(on_device))
    cfg.experiment_name = f'{name}_{tmp_path.name}_{on_device}_{workers}'
    runner = build_runner(cfg)
    runner.train()
    runner.model.eval()
    with torch.no_grad():
        scores = [
            sample.pred_score for batch in runner.test_dataloader for sample in runner.model.test_step(batch)
        ]
    return runner, torch.stack(scores)


@pytest.mark.parametrize('name', ['dacl_r18_synthetic', 'softmax_r18_synthetic'])
def test_what_is_learnt_is_the_same(name, tmp_path):
    (there, wanted), (here, found) = (
        run(name, tmp_path, on_device, [EDGE, CROP, FLIP]) for on_device in (False, True)
    )
    assert isinstance(here.model.data_preprocessor, BatchPreprocessor)
    assert not isinstance(there.model.data_preprocessor, BatchPreprocessor)
    assert torch.equal(wanted, found)
    weights = there.model.state_dict()
    assert weights.keys() == here.model.state_dict().keys()
    for key, value in here.model.state_dict().items():
        assert torch.equal(value, weights[key]), key


def test_random_transforms_repeat_whatever_the_loader_processes(tmp_path):
    first, again = (
        run('softmax_r18_synthetic', tmp_path / str(workers), True, workers=workers)[1] for workers in (0, 2)
    )
    other = run('softmax_r18_synthetic', tmp_path / 'seed', True, **{'randomness.seed': 1})[1]
    assert torch.equal(first, again) and not torch.equal(first, other)
