"""Settings that make training fast, and leave its results within the noise of seeds."""

import torch
from mmengine.config import Config
from mmpretrain.registry import DATASETS

from dacl_mm.config import data_sets
from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.datasets import FERDataset
from dacl_mm.models.preprocessors import has_counterpart

#: Optimizers that have one kernel for all weights.
FUSED = ('SGD', 'Adam', 'AdamW', 'Adagrad')


def store_images(cfg: Config) -> None:
    """Let all data sets of this package keep their images decoded, where they do not say otherwise."""
    for field in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        for dataset in data_sets(cfg[field].dataset) if cfg.get(field) else ():
            if issubclass(DATASETS.get(dataset.type), FERDataset):
                dataset.setdefault('storage', dict(where='disk'))


def set_fast(cfg: Config) -> None:
    """Turn on together what is safe together, where the config leaves it open.

    Images are decoded once (``storage`` of the data sets) and transformed batch by batch on the
    device (:func:`~dacl_mm.config.device_pipeline.move_to_device`); a GPU keeps them in its memory.
    Convolutions run channels last in bfloat16, training and prediction alike; the optimizer is
    fused.

    Args:
        cfg: A complete config; changed in place.
    """
    store_images(cfg)
    move_to_device(cfg, has_counterpart)
    if cfg.data_preprocessor.get('type') == 'BatchPreprocessor':
        cfg.data_preprocessor.setdefault('channels_last', True)
    hooks = cfg.get('custom_hooks') or []
    if not any(hook['type'] == 'ChannelsLastHook' for hook in hooks):
        hooks = [dict(type='ChannelsLastHook'), *hooks]
    if torch.cuda.is_available():
        hooks = [*hooks, dict(type='DeviceDataHook')]
    cfg.custom_hooks = hooks
    wrapper = cfg.get('optim_wrapper')
    if wrapper:
        if wrapper.get('type', 'OptimWrapper') == 'OptimWrapper':
            wrapper.type = 'BFloat16OptimWrapper'
        if wrapper.optimizer.type in FUSED and not wrapper.optimizer.get('foreach'):
            wrapper.optimizer.setdefault('fused', True)
    for field in ('val_cfg', 'test_cfg'):
        if cfg.get(field) is not None:
            cfg[field].setdefault('fp16', True)
