"""The parts of a config that its runner builds, checked against what they are built from."""

import difflib
import inspect
from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from mmengine import registry as root
from mmengine.config import Config
from mmengine.registry import Registry
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop, Runner, TestLoop, ValLoop
from mmpretrain.models.utils import ClsDataPreprocessor
from torch.utils.data import DataLoader

from dacl_mm.errors import UserError

from .signatures import accepted, required


class Place(NamedTuple):
    """What is built from the dicts under a key, and what the builder adds or takes away."""

    registry: Registry
    filled: frozenset[str] | None = frozenset()  # arguments from the builder; None: any
    taken: frozenset[str] = frozenset()  # keys for the builder


HOOK = Place(root.HOOKS, taken=frozenset({'priority'}))
METRIC = Place(root.METRICS)
#: By key, at the top of a config.
TOP = {
    'model': Place(root.MODELS),
    'optim_wrapper': Place(
        root.OPTIM_WRAPPERS, frozenset({'optimizer'}), frozenset({'constructor', 'paramwise_cfg'})
    ),
    'param_scheduler': Place(root.PARAM_SCHEDULERS, None, frozenset({'convert_to_iter_based'})),
    'train_cfg': Place(root.LOOPS, None),
    'val_cfg': Place(root.LOOPS, None),
    'test_cfg': Place(root.LOOPS, None),
    'custom_hooks': HOOK,
    'val_evaluator': METRIC,
    'test_evaluator': METRIC,
    'visualizer': Place(root.VISUALIZERS, None),
}
#: By key, within a part.
WITHIN = {
    **dict.fromkeys(('backbone', 'neck', 'head'), Place(root.MODELS)),
    **dict.fromkeys(('attention', 'loss', 'loss_center', 'data_preprocessor'), Place(root.MODELS, None)),
    'dataset': Place(root.DATASETS),
    'pipeline': Place(root.TRANSFORMS),
    **dict.fromkeys(('sampler', 'batch_sampler'), Place(root.DATA_SAMPLERS, None)),
    'optimizer': Place(root.OPTIMIZERS, frozenset({'params'})),
    'vis_backends': Place(root.VISBACKENDS, None),
}
#: Plain dicts of the runner, and their keys.
PLAIN = {
    'auto_scale_lr': {'enable', 'base_batch_size'},
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
}
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
LOOPS: dict[str, Callable] = dict(val_cfg=ValLoop, test_cfg=TestLoop)


def suggestion(name: str, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Return '; did you mean NAME?' for the nearest known name, or an empty string."""
    by_lower = {other.lower(): other for other in known}
    near = difflib.get_close_matches(name.lower(), by_lower, 1, cutoff)
    return f'; did you mean {by_lower[near[0]]}?' if near else ''


def check_parts(cfg: Config) -> None:
    """Check names and arguments of everything that the runner builds.

    What cannot be told (``**kwargs`` that go elsewhere, dicts that only their reader knows) passes.

    Raises:
        UserError: If a class is unknown, or does not take an argument; names its key in the config.
    """
    parts = _Parts(cfg.get('default_scope', 'mmengine'), 'default_scope' in cfg)
    for key, place in TOP.items():
        value = cfg.get(key)
        if key in ('train_cfg', 'val_cfg', 'test_cfg') and value is not None and 'type' not in value:
            by_epoch = value.get('by_epoch', True)
            loop = LOOPS.get(key, EpochBasedTrainLoop if by_epoch else IterBasedTrainLoop)
            parts.arguments(key, value, loop, {'by_epoch'})
        elif not (isinstance(value, dict) and 'metrics' in value):  # a whole evaluator
            parts.check(key, value, place)
    for name, hook in (cfg.get('default_hooks') or {}).items():
        parts.check(f'default_hooks.{name}', hook, HOOK)
        if hook is not None and 'type' not in hook:
            raise UserError(
                f'default_hooks.{name} has no type{suggestion(name, cfg.default_hooks.keys() - {name})}'
            )
    for key in LOADERS:
        if loader := cfg.get(key):
            parts.arguments(key, loader, DataLoader, {'num_batch_per_epoch'})
            parts.within(key, loader)
    preprocessor = cfg.get('data_preprocessor')
    if preprocessor and 'type' not in preprocessor:
        if cfg.get('model', {}).get('type') == 'ImageClassifier':
            parts.arguments('data_preprocessor', preprocessor, ClsDataPreprocessor)
    else:
        parts.check('data_preprocessor', preprocessor, Place(root.MODELS, None))
    for key, known in PLAIN.items():
        for name in (cfg.get(key) or {}).keys() - known:
            raise UserError(f'unknown key {key}.{name}{suggestion(name, known)}')
    parts.arguments('randomness', cfg.get('randomness') or {}, Runner.set_randomness)


class _Parts:
    """Checks parts by the names of a scope."""

    def __init__(self, scope: str, named: bool):
        self.scope = scope
        self.named = named

    def check(self, path: str, value: Any, place: Place) -> None:
        """Check a part, or each of a list."""
        if isinstance(value, list | tuple):
            for i, item in enumerate(value):
                self.check(f'{path}.{i}', item, place)
        if not isinstance(value, dict) or 'type' not in value:
            return
        built = value['type']
        if isinstance(built, str):
            built = self._find(path, built, value.get('_scope_'), place.registry)
        filled = value.keys() | (place.filled or ())
        if place.filled is not None and (missing := sorted(required(built) - filled)):
            raise UserError(f'{path}: {_name(built)} needs {", ".join(missing)}')
        self.arguments(path, value, built, {'type', '_scope_', *place.taken})
        self.within(path, value)

    def within(self, path: str, part: dict) -> None:
        """Check the parts of a part."""
        for key in WITHIN.keys() & part.keys():
            self.check(f'{path}.{key}', part[key], WITHIN[key])

    def arguments(self, path: str, part: dict, built: Callable, others: Collection[str] = ()) -> None:
        """Check a part's keys against the arguments of what is built from it."""
        known = accepted(built)
        for key in part if known is not None else ():
            if key not in known and key not in others:
                near = suggestion(key, known) or f'; it has {", ".join(sorted(known))}'
                raise UserError(f'unknown key {path}.{key}: {_name(built)} has no argument {key}{near}')

    def _find(self, path: str, name: str, scope: str | None, registry: Registry) -> Callable:
        with registry.switch_scope_and_registry(scope or self.scope) as own:
            found = own.get(name)
        if found is None:
            parents = own.parent.module_dict if own.parent else {}
            near = suggestion(name, [*own.module_dict, *parents])
            hint = '' if self.named else " (no default_scope is set: default_scope = 'mmpretrain')"
            raise UserError(f'{path}.type: there is no {registry.name} {name}{near}{hint}')
        return found


def _name(built: Callable) -> str:
    return getattr(built, '__name__', str(built)) if not inspect.ismethod(built) else built.__qualname__
