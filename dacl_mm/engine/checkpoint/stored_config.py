"""The config that a checkpoint holds, of which the model and its test images can be built again."""

from collections.abc import Iterator, Mapping
from typing import Any

import mmengine.registry as root
import mmpretrain.registry as own
from mmengine.config import ConfigDict

from dacl_mm.errors import UserError

from .config_text import read_keys

#: Of all that a model, its preprocessor and its test data set are built from.
REGISTRIES = (
    'MODELS',
    'TRANSFORMS',
    'DATASETS',
    'DATA_SAMPLERS',
    'FUNCTIONS',
    'TASK_UTILS',
    'BATCH_AUGMENTS',
)
SCOPES = ('mmpretrain', 'mmengine')


def stored_config(checkpoint: Mapping[str, Any], source: object) -> ConfigDict:
    """Return what a checkpoint's own config says of the model and its test images.

    Every class that it names is registered: mmengine would import and call whatever else a file names.

    Args:
        checkpoint: What the file holds.
        source: The file, for messages.

    Raises:
        UserError: If it holds no weights with a config, one that cannot be read, or one that names
            something else than what is registered.
    """
    found = read_stored_config(checkpoint, source)
    known = _registered()
    for kind in _types(found):
        scope, _, name = str(kind).rpartition('.')
        if name not in known or scope not in ('', *SCOPES):
            raise UserError(
                f'{source}: the config that it holds names {kind!r}, which nothing registers: if it is '
                'your own class, give the config that imports it'
            )
    return found


def read_stored_config(checkpoint: Mapping[str, Any], source: object) -> ConfigDict:
    """Return the same, whatever it names: nothing of it is built.

    Args:
        checkpoint: What the file holds.
        source: The file, for messages.

    Raises:
        UserError: If it holds no weights with a config, or one that cannot be read.
    """
    text = (checkpoint.get('meta') or {}).get('cfg')
    if 'state_dict' not in checkpoint or text is None:
        raise UserError(
            f'{source} holds no weights with the config of their training: take a best_*.pth or epoch_*.pth '
            'that tools/train.py or tools/compare.py has written'
        )
    try:
        return ConfigDict(read_keys(text, 'model', 'data_preprocessor', 'test_dataloader'))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f'{source}: the config that it holds cannot be read: {error}') from error


def _types(part: Any) -> Iterator[Any]:
    """Yield what a config names to be built, at any depth."""
    if isinstance(part, dict):
        for key, value in part.items():
            if key == 'type':
                yield value
            yield from _types(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _types(value)


def _registered() -> set[str]:
    names: set[str] = set(root.WEIGHT_INITIALIZERS.module_dict)
    for module in (root, own):
        for key in REGISTRIES:
            if registry := getattr(module, key, None):
                registry.import_from_location()
                names |= registry.module_dict.keys()
    return names
