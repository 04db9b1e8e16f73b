"""What differs between the start of a run and its resumption."""

from collections.abc import Iterator, Mapping
from typing import Any

from mmengine.runner import Runner

from dacl_mm.errors import UserError
from dacl_mm.text import printable

from .fit import check_classes, check_weights, classes_of

#: Config keys that say where and how, not what is trained.
INCIDENTAL = ('work_dir', 'resume', 'load_from', 'launcher', 'filename', 'model_wrapper_cfg')


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
    """Compare what is resumed with the config: warn of each value that differs.

    Raises:
        UserError: If classes, weights or the metric that selects the epoch differ.
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
            f'{source} selected its best epoch by {before!r}, the config says selection_metric = {now}: '
            'their scores cannot be compared. Keep the one that the run began with, or train anew'
        )
    changed = [
        printable(f'{key}: {stored.get(key, "not set")} -> {own.get(key, "not set")}')
        for key in sorted(stored.keys() | own.keys())
        if stored.get(key) != own.get(key)
    ]
    if changed:
        keys = '\n  '.join(changed)
        runner.logger.warning(
            'the config differs from the one that the run began with (optimizer and schedules go on as '
            f'saved, so that changes of theirs have no effect):\n  {keys}'
        )
