"""Settings that make training fast, and leave its results within the noise of seeds."""

import torch
from mmengine.config import Config
from mmpretrain.registry import DATASETS

from dacl_mm.config import data_sets
from dacl_mm.config.device_pipeline import move_to_device
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


def load_in_process(cfg: Config) -> None:
    """Let the training process itself fetch images that are decoded and not transformed.

    On a CPU, handing a batch from a loader process to it costs more than fetching one.
    """
    for field in LOADERS:
        sets = list(data_sets(cfg[field].dataset)) if cfg.get(field) else []
        loads = [[transform['type'] for transform in dataset.get('pipeline') or ()] for dataset in sets]
        stored = all(dataset.get('storage') for dataset in sets)
        if sets and stored and all(types == ['LoadFace', 'PackPixels'] for types in loads):
            cfg[field].update(num_workers=0, persistent_workers=False)


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
    preprocessor = cfg.model.get('data_preprocessor') or cfg.get('data_preprocessor') or {}
    if preprocessor.get('type') == 'BatchPreprocessor':
        preprocessor.setdefault('channels_last', True)
    hooks = cfg.get('custom_hooks') or []
    if not any(hook['type'] == 'ChannelsLastHook' for hook in hooks):
        hooks = [dict(type='ChannelsLastHook'), *hooks]
    if torch.cuda.is_available():
        hooks = [*hooks, dict(type='DeviceDataHook')]
    else:
        load_in_process(cfg)
    cfg.custom_hooks = hooks
    wrapper = cfg.get('optim_wrapper')
    if wrapper:
        if wrapper.get('type', 'OptimWrapper') == 'OptimWrapper':
            wrapper.type = 'BFloat16OptimWrapper'
        optimizer = wrapper.get('optimizer') or {}
        if optimizer.get('type') in FUSED and not optimizer.get('foreach'):
            optimizer.setdefault('fused', True)
    for field in ('val_cfg', 'test_cfg'):
        if cfg.get(field) is not None:
            cfg[field].setdefault('fp16', True)
