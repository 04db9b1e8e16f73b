"""Settings that make training fast, and leave its results within the noise of seeds."""

import torch
from mmengine.config import Config
from mmpretrain.registry import DATASETS

from dacl_mm.config import data_sets
from dacl_mm.config.device_pipeline import move_to_device, preprocessor_config
from dacl_mm.datasets import FERDataset
from dacl_mm.models.preprocessors import has_counterpart

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
#: Optimizers that have one kernel for all weights.
FUSED = ('SGD', 'Adam', 'AdamW', 'Adagrad')


def store_images(cfg: Config) -> None:
    """Let all data sets of this package keep their images decoded, where they do not say otherwise."""
    for field in LOADERS:
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
    preprocessor = preprocessor_config(cfg)
    if preprocessor.get('type') == 'BatchPreprocessor':
        preprocessor.setdefault('channels_last', True)
    hooks = cfg.get('custom_hooks') or []
    present = {hook['type'] for hook in hooks}
    wanted = ['ChannelsLastHook', *(['DeviceDataHook'] if torch.cuda.is_available() else [])]
    cfg.custom_hooks = [*hooks, *(dict(type=kind) for kind in wanted if kind not in present)]
    wrapper = cfg.get('optim_wrapper')
    if wrapper:
        if wrapper.get('type', 'OptimWrapper') == 'OptimWrapper':
            wrapper.type = 'BFloat16OptimWrapper'
        elif wrapper.type == 'SAMOptimWrapper':
            wrapper.setdefault('bfloat16', True)
        optimizer = wrapper.get('optimizer') or {}
        if optimizer.get('type') in FUSED and not optimizer.get('foreach'):
            optimizer.setdefault('fused', True)
    for field in ('val_cfg', 'test_cfg'):
        if cfg.get(field) is not None:
            cfg[field].setdefault('fp16', True)
