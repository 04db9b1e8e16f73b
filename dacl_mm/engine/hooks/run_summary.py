"""What is about to be trained, in a few lines."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.dist import get_world_size, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS
from torch.utils.data import DataLoader


def describe_images(loader: DataLoader[Any]) -> str:
    """Count a loader's images, by class where its data set knows the labels."""
    dataset: Any = loader.dataset
    text = f'{len(dataset):,} images'
    if not hasattr(dataset, 'get_gt_labels'):
        return text
    counts = np.bincount(dataset.get_gt_labels(), minlength=len(dataset.CLASSES))
    return f'{text} ({", ".join(f"{name} {n:,}" for name, n in zip(dataset.CLASSES, counts, strict=False))})'


def describe_backbone(cfg: Config) -> str:
    """Name the backbone and where its first weights are from."""
    backbone = cfg.get('model', {}).get('backbone') or {}
    given = backbone.get('init_cfg')
    file = given.get('checkpoint') if isinstance(given, dict) else None
    source = 'scratch' if file in (None, 'scratch') else file
    if cfg.get('load_from'):
        source = cfg.load_from
    return f'{backbone.get("type", "none")}, weights from {source}'


@HOOKS.register_module()
class RunSummaryHook(Hook):
    """Log what is trained on what, and where the rest is written, before the first step."""

    def before_train(self, runner: Runner) -> None:
        if not is_main_process():
            return
        device = torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU'
        config = Path(runner.cfg.filename).name if runner.cfg.filename else 'config'
        if isinstance(runner.train_loop, EpochBasedTrainLoop):
            extent = f'epoch {runner.epoch + 1} to {runner.max_epochs}'
        else:
            extent = f'iteration {runner.iter + 1} to {runner.max_iters}'
        lines = [
            f'{config}: {extent}, seed {runner.seed}, on '
            f'{get_world_size()} x {device} ({torch.get_num_threads()} threads)',
            f'train: {describe_images(runner.train_dataloader)}',
        ]
        if runner.val_loop is not None:
            lines.append(f'val: {describe_images(runner.val_dataloader)}')
        lines.append(f'backbone: {describe_backbone(runner.cfg)}')
        lines.append(f'config, environment and hooks: {runner.log_dir}/*.log')
        runner.logger.info('\n'.join(lines))
