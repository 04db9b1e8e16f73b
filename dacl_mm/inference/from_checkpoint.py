"""Building the network of a checkpoint as it was tested."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmcv.transforms import Compose
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain.datasets import remove_transform
from mmpretrain.registry import DATASETS, MODELS, TRANSFORMS
from torch import nn

from dacl_mm.config import data_sets, load_config, set_options
from dacl_mm.config.device_pipeline import device_transforms, preprocessor_config
from dacl_mm.engine.checkpoint.fit import check_weights, classes_of
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.stored_config import stored_config
from dacl_mm.engine.checkpoint.training_only import training_only, weights_of
from dacl_mm.errors import UserError
from dacl_mm.models.heads.feature_size import image_size, set_feature_size

from .info import ModelInfo

#: Under ``meta``, what :meth:`ModelInfo.to_dict` returns.
KEY = 'inference'
#: Arguments by which backbones, timm's too, fetch weights; they come from the checkpoint.
NO_WEIGHTS = dict(init_cfg=None, pretrained=False, checkpoint_path='')


def read_model(
    config: str | None, checkpoint: str, device: str | None = None
) -> tuple[nn.Module, Compose, ModelInfo]:
    """Return a network on its device, the pipeline of its test images, and its description.

    Args:
        config: Config file; None takes the one that the checkpoint holds.
        checkpoint: Checkpoint file.
        device: As torch names it; by default a GPU where there is one.

    Raises:
        UserError: If the two do not fit together, or cannot be read.
    """
    where = choose_device(device)
    stored = load_checkpoint(checkpoint, 'cpu')
    init_default_scope('mmpretrain')
    cfg = _config(config, stored, checkpoint)
    dataset = next(data_sets(cfg.test_dataloader.dataset))
    # What reads a file in our configs takes an image that is loaded already.
    pipeline = remove_transform(list(dataset.pipeline), 'LoadImageFromFile')
    info = _info(cfg, stored, checkpoint)
    model = _build(cfg, stored, checkpoint)
    outputs = getattr(model.head, 'num_classes', len(info.classes))
    if outputs != len(info.classes):
        raise UserError(
            f'{checkpoint}: the network has {outputs} outputs, but {len(info.classes)} classes are named: '
            f'{", ".join(info.classes)}'
        )
    return model.to(where).eval(), Compose([TRANSFORMS.build(part) for part in pipeline]), info


def choose_device(name: str | None) -> torch.device:
    """Return a device of this machine; by default a GPU where there is one.

    Raises:
        UserError: If there is no such device.
    """
    if name is None:
        name = 'cuda' if torch.cuda.is_available() else 'cpu'
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f'the device {name} cannot be used ({reason}): say cpu, or leave it out') from error
    return device


def _config(config: str | None, checkpoint: Mapping[str, Any], source: str) -> ConfigDict:
    if config is None:
        cfg = stored_config(checkpoint, source)
    else:
        cfg = load_config(config)
        set_options(cfg, None)
        set_feature_size(cfg)
    if not cfg.get('model') or not (cfg.get('test_dataloader') or {}).get('dataset'):
        raise UserError(f'{config or source}: the config lacks model or test_dataloader.dataset')
    return cfg


def _build(cfg: ConfigDict, checkpoint: Mapping[str, Any], source: str) -> nn.Module:
    model_config = cfg.model.get('module', cfg.model)  # below test-time augmentation
    preprocessor = dict(type='ClsDataPreprocessor') | preprocessor_config(cfg)
    model_config.data_preprocessor = preprocessor | dict(batch_augments=None)  # those of training
    backbone = model_config.get('backbone') or {}
    for key, without in NO_WEIGHTS.items():
        if key in backbone:
            backbone[key] = without
    model: nn.Module = MODELS.build(model_config)
    check_weights(model, checkpoint, source)
    own, left_out = model.state_dict(), training_only(model)
    weights = {
        name: value
        for name, value in weights_of(checkpoint).items()
        if name in own and not name.startswith(left_out)
    }
    model.load_state_dict(weights, strict=False)
    return model


def _info(cfg: ConfigDict, checkpoint: Mapping[str, Any], source: str) -> ModelInfo:
    stored = (checkpoint.get('meta') or {}).get(KEY)
    if stored is not None:
        return ModelInfo.from_dict(stored, source)
    dataset = next(data_sets(cfg.test_dataloader.dataset))
    try:
        height, width = image_size(list(dataset.pipeline), device_transforms(cfg))
    except UserError as error:
        raise UserError(
            f'{source}: the pipeline of test_dataloader must make images of one size, else predictions '
            'would depend on their neighbours: end it with a transform that fixes the size, e.g. '
            'dict(type="Resize", scale=(224, 224))'
        ) from error
    preprocessor = preprocessor_config(cfg)
    to_rgb = 1 if preprocessor.get('to_rgb') else -1
    return ModelInfo(
        name=Path(source).stem,
        classes=classes_of(checkpoint) or _classes(dataset, source),
        size=(width, height),
        mean=tuple(preprocessor.get('mean') or (0.0, 0.0, 0.0))[::to_rgb],
        std=tuple(preprocessor.get('std') or (1.0, 1.0, 1.0))[::to_rgb],
    )


def _classes(dataset: ConfigDict, source: str) -> tuple[str, ...]:
    """Return the classes of a config's data set, for a checkpoint that names none."""
    classes = DATASETS.build(dataset | dict(lazy_init=True)).metainfo.get('classes')
    if not classes:
        raise UserError(f'{source} names no classes, nor does the data set of the config: set its classes')
    return tuple(classes)
