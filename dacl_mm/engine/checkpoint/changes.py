"""What differs between the start of a run and its resumption."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from mmengine.runner import Runner

from dacl_mm.errors import UserError
from dacl_mm.text import printable

from .fit import check_classes, check_weights, classes_of

#: Config keys of this one process, which no checkpoint keeps.
INCIDENTAL = (
    'experiment_name',
    'work_dir',
    'resume',
    'load_from',
    'accept_changes',
    'launcher',
    'filename',
    'model_wrapper_cfg',
)

#: The rule: a change is accepted unasked where it says only where the data lie, how they are loaded,
#: what is shown and kept, or how the trained model is tested. Any other may change the result.
HARMLESS = (
    *('*.data_root', '*.data_prefix*', '*.ann_file'),
    *('*_dataloader.num_workers', '*.pin_memory', '*.persistent_workers', '*.prefetch_factor', '*.storage*'),
    *('env_cfg.mp_cfg*', 'env_cfg.dist_cfg*', 'default_hooks.autosave*', 'default_hooks.checkpoint.interval'),
    *('default_hooks.checkpoint.max_keep_ckpts', 'default_hooks.checkpoint.background'),
    *('default_hooks.logger*', 'default_hooks.timer*', 'default_hooks.visualization*'),
    *('visualizer*', 'vis_backends*', 'log_level', 'log_processor*', 'custom_imports*', 'test_*', 'tta_*'),
)


AS_SAVED = 'optimizer and schedules go on as saved, so that changes of theirs have no effect'


def config_values(cfg: Mapping[str, Any]) -> dict[str, str]:
    """Return a config's values as text by dotted key, to be kept in checkpoints.

    mmengine keeps the config as source code; comparing that would mean to execute it.
    """
    return {key: repr(value) for key, value in _leaves(cfg, '') if key.split('.')[0] not in INCIDENTAL}


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, child in value.items():
            yield from _leaves(child, f'{key}.{name}' if key else str(name))
    elif isinstance(value, list | tuple) and any(isinstance(child, Mapping) for child in value):
        for i, child in enumerate(value):
            yield from _leaves(child, f'{key}.{i}')
    else:
        yield key, value


def check_resumed(runner: Runner, checkpoint: Mapping[str, Any]) -> None:
    """Compare what is resumed with the config, and name each value that differs.

    Raises:
        UserError: If classes, weights or the metric that selects the epoch differ; if a value does that
            is not :data:`HARMLESS`, unless the config's ``accept_changes`` is true.
    """
    source = runner.cfg.get('load_from') or 'the checkpoint'
    dataset_meta = getattr(runner.train_dataloader.dataset, 'metainfo', {})
    check_classes(classes_of(checkpoint), dataset_meta.get('classes'), source)
    check_weights(runner.model, checkpoint, source, training=True)
    own = config_values(runner.cfg.to_dict())
    stored = checkpoint['meta'].get('config_values', own)
    before, now = (values.get('selection_metric') for values in (stored, own))
    if before != now:
        raise UserError(
            f'{source} selected its best epoch by {printable(str(before))}, the config says '
            f'selection_metric = {now}: their scores cannot be compared. Keep the one '
            'that the run began with, or train anew'
        )
    changed = {
        key: '\n  ' + printable(f'{key}: {stored.get(key, "not set")} -> {own.get(key, "not set")}')
        for key in sorted(stored.keys() | own.keys())
        if stored.get(key) != own.get(key)
    }
    refused = [key for key in changed if not any(fnmatchcase(key, pattern) for pattern in HARMLESS)]
    if refused and not runner.cfg.get('accept_changes'):
        raise UserError(
            f'the config differs from the one that {source} was trained with:'
            f'{"".join(changed[key] for key in refused)}\nGo on with that one, or accept the changes by '
            f'--accept-changes ({AS_SAVED})'
        )
    if changed:
        runner.logger.warning(
            f'the config differs from the one that the run began with ({AS_SAVED}):'
            f'{"".join(changed.values())}'
        )
