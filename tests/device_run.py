"""Tiny trainings with transforms in the data sets or on the device."""

import torch
from mmengine.evaluator import BaseMetric

from dacl_mm.config import load_config, set_options
from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.engine.launch import build_runner
from dacl_mm.models.preprocessors import has_counterpart

EDGE = dict(type='ResizeEdge', scale=48, edge='short', backend='pillow')
CROP = dict(type='CenterCrop', crop_size=32)
FLIP = dict(type='RandomFlip', prob=1.0, direction='horizontal')


class Scores(BaseMetric):
    """Keeps what is predicted."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def process(self, data_batch, data_samples):
        self.seen += [sample['pred_score'] for sample in data_samples]
        self.results += [0] * len(data_samples)

    def compute_metrics(self, results):
        return {}


def run(name, tmp_path, on_device, transforms=None, workers=0, hooks=(), **options):
    """Train for two iterations and test.

    Args:
        name: A config of the embedded set.
        tmp_path: Parent of the work dir.
        on_device: Whether transforms move to the device.
        transforms: Those of training, in the place of the config's.
        workers: Loader processes of training.
        hooks: Further ones.
        options: Overridden keys.

    Returns:
        The runner, and what it predicts, (N, K).
    """
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
    cfg.custom_hooks = [dict(type='AugmentationSeedHook'), dict(type='CenterUpdateHook'), *hooks]
    if transforms is not None:
        cfg.train_dataloader.dataset.pipeline[1:-1] = transforms
        cfg.test_dataloader.dataset.pipeline[1:-1] = [EDGE, CROP]
    if on_device:
        move_to_device(cfg, has_counterpart)
    cfg.work_dir = str(tmp_path / str(on_device))
    cfg.experiment_name = f'{name}_{tmp_path.name}_{on_device}_{workers}'
    runner = build_runner(cfg)
    runner.train()
    runner.test_evaluator.metrics.append(Scores())
    runner.test()
    return runner, torch.stack(runner.test_evaluator.metrics[-1].seen)
