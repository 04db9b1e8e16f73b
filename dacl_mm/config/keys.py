"""The top-level keys of a config: which are read, which are mere variables of its file."""

from collections.abc import Iterable, Iterator
from typing import Any

from mmengine.config import Config
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

from dacl_mm.errors import UserError

from .parts import suggestion
from .signatures import accepted

#: Top-level keys that are read beside the runner's arguments.
OTHERS = {
    'accept_changes', 'activation_checkpointing', 'compile', 'comparison', 'custom_imports',
    'efficient_conv_bn_eval', 'find_unused_parameters', 'job_resources', 'logit_adjustment',
    'model_wrapper_cfg', 'protocol', 'runner_type', 'selection_metric', 'sync_bn', 'tta_model',
    'tta_pipeline',
}  # fmt: skip
#: How alike a variable of a file must be to a key that is read, to count as its misspelling.
NEAR = 0.9


def read_keys(cfg: Config) -> set[str]:
    """Return the top-level keys that are read.

    Raises:
        UserError: If there is no such runner.
    """
    name = cfg.get('runner_type', 'Runner')
    runner = RUNNERS.get(name) if isinstance(name, str) else name
    if runner is None:
        raise UserError(f'runner_type: there is no runner {name}{suggestion(name, RUNNERS.module_dict)}')
    return {*(accepted(runner) or accepted(Runner) or ()), *OTHERS}


def check_options(cfg: Config, options: Iterable[str]) -> None:
    """Check the keys of ``--cfg-options`` against a config that they shall override.

    Raises:
        UserError: If a key's first part is unknown, or a variable that was used when the file was read.
    """
    known = read_keys(cfg)
    for option in options:
        first = option.split('.')[0]
        if first in known:
            continue
        if not _has(cfg, option):
            near = suggestion(first, known) if first not in cfg else ''
            raise UserError(f'--cfg-options {option}: unknown key{near}')
        if users := uses(cfg, option, known):
            raise UserError(
                f'--cfg-options {option}: {first} is a variable of the config file, and was used when the '
                f'file was read; override the key that uses it: {", ".join(users)}'
            )


def check_variables(cfg: Config) -> None:
    """Check that no variable of a config file is a misspelled key.

    Raises:
        UserError: If one is very like a key that is read, and used by none.
    """
    known = read_keys(cfg)
    for name in cfg.keys() - known:
        near = suggestion(name, known, NEAR)
        if near and not uses(cfg, name, known):
            raise UserError(f'unknown key {name}, which nothing reads{near}')


def uses(cfg: Config, option: str, known: Iterable[str]) -> list[str]:
    """Return the keys under ``known`` that hold a variable's value."""
    value = _get(cfg, option)
    last = option.rsplit('.', 1)[-1]
    return [
        path
        for path, item in _walk({key: cfg[key] for key in sorted(known) if key in cfg})
        if item == value and (isinstance(value, dict | list) or path.rsplit('.', 1)[-1] == last)
    ]


def _get(cfg: Config, option: str) -> Any:
    value: Any = cfg
    for name in option.split('.'):
        value = value[int(name) if isinstance(value, list) else name]
    return value


def _has(cfg: Config, option: str) -> bool:
    try:
        _get(cfg, option)
    except (KeyError, IndexError, TypeError, ValueError):
        return False
    return True


def _walk(value: Any, path: str = '') -> Iterator[tuple[str, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        yield f'{path}{key}', item
        if isinstance(item, dict | list | tuple):
            yield from _walk(item, f'{path}{key}.')
