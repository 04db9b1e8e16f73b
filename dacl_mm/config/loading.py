"""Reading a config, and checking that it says only what is read."""

from pathlib import Path
from typing import Any

from mmengine.config import Config

from dacl_mm.errors import MissingFileError, UserError
from dacl_mm.hub import config_dir

from .bases import from_file
from .keys import check_options, check_variables
from .parts import SCOPE, check_parts

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
    except UserError:
        raise
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
