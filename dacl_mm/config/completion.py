"""What a command line adds to a config."""

import os
from copy import deepcopy
from pathlib import Path

import torch
from mmengine.config import Config, ConfigDict

from dacl_mm.errors import UserError


def set_work_dir(cfg: Config, work_dir: str | None, config: str) -> None:
    """Choose the work dir: the option, else the config's, else one named after the config."""
    if work_dir is not None:
        cfg.work_dir = work_dir
    elif cfg.get('work_dir') is None:
        cfg.work_dir = str(Path('work_dirs') / Path(config).stem)


def set_loader_defaults(cfg: Config, pin_memory: bool, persistent_workers: bool) -> None:
    """Fill in loader options that the config leaves open."""
    for field in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        loader = cfg.get(field)
        if loader is None:
            continue
        defaults = ConfigDict(pin_memory=torch.cuda.is_available(), persistent_workers=True)
        defaults.update(loader)
        if not pin_memory:
            defaults.pin_memory = False
        if not persistent_workers or defaults.get('num_workers', 0) == 0:
            defaults.persistent_workers = False
        cfg[field] = defaults


def set_backbone_weights(cfg: Config) -> None:
    """Give any backbone the weights that ``FER_BACKBONE`` names in the environment.

    The configs' own backbone reads the variable itself; one that replaced it may not.

    Raises:
        UserError: If the config names other weights.
    """
    file, backbone = os.environ.get('FER_BACKBONE'), cfg.get('model', {}).get('backbone')
    if not file or backbone is None:
        return
    given = backbone.get('init_cfg')
    if given is None:
        backbone.init_cfg = dict(type='PretrainedBackbone', checkpoint=file)
    elif not isinstance(given, dict) or given.get('checkpoint') != file:
        raise UserError(
            f'FER_BACKBONE is {file}, but model.backbone.init_cfg is {given}: unset the variable, or take '
            'init_cfg out of the config'
        )


def set_amp(cfg: Config) -> None:
    """Train in mixed precision: float16 with loss scaling on a GPU, bfloat16 on a CPU."""
    if torch.cuda.is_available():
        cfg.optim_wrapper.type = 'AmpOptimWrapper'
        cfg.optim_wrapper.setdefault('loss_scale', 'dynamic')
    else:
        cfg.optim_wrapper.type = 'BFloat16OptimWrapper'


def set_tta(cfg: Config) -> None:
    """Average the scores of each test image and its mirror image, unless the config says otherwise."""
    cfg.setdefault('tta_model', dict(type='AverageClsScoreTTA'))
    if 'tta_pipeline' not in cfg:
        pipeline = cfg.test_dataloader.dataset.pipeline
        cfg.tta_pipeline = deepcopy(pipeline)
        flips = [dict(type='RandomFlip', prob=1.0), dict(type='RandomFlip', prob=0.0)]
        cfg.tta_pipeline[-1] = dict(type='TestTimeAug', transforms=[flips, [pipeline[-1]]])
    cfg.model = ConfigDict(**cfg.tta_model, module=cfg.model)
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
