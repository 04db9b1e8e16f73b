"""Configs: read, completed and checked before anything is built."""

import os
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config, ConfigDict

from dacl_mm.errors import MissingFileError, UserError
from dacl_mm.hub import config_dir

from .bases import from_file
from .keys import check_options, check_variables
from .parts import SCOPE, check_parts

PAPER_PROTOCOL = 'paper protocol'
#: What a runner takes together or not at all.
TOGETHER = (
    ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    ('val_dataloader', 'val_cfg', 'val_evaluator'),
    ('test_dataloader', 'test_cfg', 'test_evaluator'),
)


def load_config(path: str) -> Config:
    """Read a config file; a relative path is also looked up among the packaged configs.

    Bases may lie in this package: ``_base_ = 'dacl_mm::dacl_r18_rafdb.py'``. A config without
    ``default_scope`` is in MMPretrain's.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If it cannot be read; whatever a config file raises is its author's to mend.
    """
    file = Path(path)
    if not file.is_file() and not file.is_absolute():
        file = config_dir() / file.with_suffix('.py')
    if not file.is_file():
        raise MissingFileError(f'config {path} does not exist')
    try:
        cfg = from_file(file)
    except SyntaxError as error:
        raise UserError(f'config {path}, line {error.lineno}: {error.msg}') from error
    except Exception as error:
        raise UserError(f'config {path} cannot be read: {type(error).__name__}: {error}') from error
    cfg.setdefault('default_scope', SCOPE)
    return cfg


def set_options(cfg: Config, options: dict[str, Any] | None) -> None:
    """Override config keys by ``--cfg-options``, and check that the result says only what is read.

    Raises:
        UserError: If an option does not fit the config, or the config names a class, an argument or a
            key that does not exist.
    """
    options = options or {}
    check_options(cfg, options)
    try:
        cfg.merge_from_dict(options)
    except (TypeError, KeyError, IndexError) as error:
        raise UserError(f'--cfg-options {" ".join(options)}: {error}') from error
    check_variables(cfg)
    check_parts(cfg)


def require(cfg: Config, *keys: str) -> None:
    """Check that a config has the keys that a command needs, and that none of a group stands alone.

    Raises:
        UserError: If one is missing.
    """
    groups = [keys, *(group for group in TOGETHER if any(cfg.get(key) is not None for key in group))]
    missing = sorted({key for group in groups for key in group if cfg.get(key) is None})
    if missing:
        raise UserError(
            f'{cfg.filename} lacks {", ".join(missing)}: add what is missing, or start from a complete '
            "config, e.g. _base_ = 'dacl_mm::dacl_r18_rafdb.py'"
        )


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


def data_sets(dataset: ConfigDict) -> Iterator[ConfigDict]:
    """Yield the data sets that a config of one reads: itself, or those inside its wrappers."""
    inner = [*dataset.get('datasets', ()), *filter(None, [dataset.get('dataset')])]
    if not inner:
        yield dataset
    for wrapped in inner:
        yield from data_sets(wrapped)


def check_protocol(cfg: Config) -> None:
    """Refuse to select on the test split unless the config says paper protocol.

    Raises:
        UserError: If the validation loader reads the test split without it, inside
            wrappers (``ConcatDataset``, ``RepeatDataset`` ...) too.
    """
    loader = cfg.get('val_dataloader')
    if not loader or cfg.get('protocol') == PAPER_PROTOCOL:
        return
    if any(dataset.get('split') == 'test' for dataset in data_sets(loader.dataset)):
        raise UserError(
            'val_dataloader.dataset reads split "test": the best epoch would be picked on the test '
            f"images. Use split='val', or say protocol = '{PAPER_PROTOCOL}' in the config"
        )


def selection_metric(cfg: Config) -> str:
    """Return the metric whose greatest value on the validation part selects the epoch.

    The config's ``selection_metric``, else the checkpoint hook's ``save_best``, else top-1 accuracy.

    Raises:
        UserError: If the two differ, or ``save_best`` is a list.
    """
    chosen = cfg.get('selection_metric')
    hook = (cfg.get('default_hooks') or {}).get('checkpoint') or {}
    explicit = hook.get('save_best')
    if explicit in (None, 'auto'):
        return chosen or 'accuracy/top1'
    if not isinstance(explicit, str):
        raise UserError(f'default_hooks.checkpoint.save_best is {explicit}: one metric selects the epoch')
    if chosen not in (None, explicit):
        raise UserError(
            f'selection_metric is {chosen!r}, but default_hooks.checkpoint.save_best is {explicit!r}: '
            'leave save_best out'
        )
    return explicit
