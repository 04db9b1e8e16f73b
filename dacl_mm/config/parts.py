"""The parts of a config that its runner builds, checked against what they are built from."""

import difflib
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


SCOPE = 'mmpretrain'  # of a config that names none
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
    'data_preprocessor': Place(root.MODELS, None),
}
#: By key, within a part.
WITHIN = {
    **dict.fromkeys(('backbone', 'neck', 'head'), Place(root.MODELS)),
    **dict.fromkeys(
        ('attention', 'centers', 'loss', 'loss_center', 'residual', 'data_preprocessor'),
        Place(root.MODELS, None),
    ),
    'dataset': Place(root.DATASETS),
    'datasets': Place(root.DATASETS, None),
    'pipeline': Place(root.TRANSFORMS),
    **dict.fromkeys(('sampler', 'batch_sampler'), Place(root.DATA_SAMPLERS, None)),
    'optimizer': Place(root.OPTIMIZERS, frozenset({'params'})),
    'vis_backends': Place(root.VISBACKENDS, None),
}
#: What is built from a part without type.
UNTYPED: dict[str, Callable[[Config], Callable[..., Any] | None]] = {
    'train_cfg': lambda cfg: (
        EpochBasedTrainLoop if cfg.train_cfg.get('by_epoch', True) else IterBasedTrainLoop
    ),
    'val_cfg': lambda cfg: ValLoop,
    'test_cfg': lambda cfg: TestLoop,
    'data_preprocessor': lambda cfg: (
        ClsDataPreprocessor if cfg.get('model', {}).get('type') == 'ImageClassifier' else None
    ),
}
#: Plain dicts of the runner, and their keys.
PLAIN = {
    'auto_scale_lr': {'enable', 'base_batch_size'},
    'env_cfg': {'cudnn_benchmark', 'mp_cfg', 'dist_cfg', 'resource_limit'},
    'randomness': accepted(Runner.set_randomness) or (),
}
LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')


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
    parts = _Parts(cfg.get('default_scope', SCOPE))
    for key, place in TOP.items():
        part = cfg.get(key)
        if isinstance(part, dict) and 'type' not in part and key in UNTYPED:
            parts.arguments(key, part, UNTYPED[key](cfg), {'by_epoch'} if key == 'train_cfg' else ())
        elif not (isinstance(part, dict) and 'metrics' in part):  # a whole evaluator
            parts.check(key, part, place)
    for name, hook in (cfg.get('default_hooks') or {}).items():
        if hook is not None and 'type' not in hook:
            near = suggestion(name, cfg.default_hooks.keys() - {name})
            raise UserError(f'default_hooks.{name} has no type{near}')
        parts.check(f'default_hooks.{name}', hook, HOOK)
    for key in LOADERS:
        if loader := cfg.get(key):
            parts.arguments(key, loader, DataLoader, {'num_batch_per_epoch'})
            parts.within(key, loader)
    for key, known in PLAIN.items():
        for name in cfg.get(key) or ():
            if name not in known:
                raise UserError(f'unknown key {key}.{name}{suggestion(name, known)}')


class _Parts:
    """Checks parts by the names of a scope."""

    def __init__(self, scope: str):
        self.scope = scope

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
            raise UserError(f'{path}: {built.__name__} needs {", ".join(missing)}')
        self.arguments(path, value, built, {'type', '_scope_', *place.taken})
        self.within(path, value)

    def within(self, path: str, part: dict[str, Any]) -> None:
        """Check the parts of a part."""
        for key, inner in part.items():
            if key in WITHIN:
                self.check(f'{path}.{key}', inner, WITHIN[key])

    def arguments(
        self, path: str, part: dict[str, Any], built: Callable[..., Any] | None, others: Collection[str] = ()
    ) -> None:
        """Check a part's keys against the arguments of what is built from it."""
        if built is None or (known := accepted(built)) is None:
            return
        for key in part:
            if key not in known and key not in others:
                near = suggestion(key, known) or f'; it has {", ".join(sorted(known))}'
                name = getattr(built, '__name__', built)
                raise UserError(f'unknown key {path}.{key}: {name} has no argument {key}{near}')

    def _find(self, path: str, name: str, scope: str | None, registry: Registry) -> Callable[..., Any]:
        with registry.switch_scope_and_registry(scope or self.scope) as own:
            found: Callable[..., Any] | None = own.get(name)
        if found is None:
            parents = own.parent.module_dict if own.parent else {}
            near = suggestion(name, [*own.module_dict, *parents])
            raise UserError(f'{path}.type: there is no {registry.name} {name} in the scope {own.scope}{near}')
        return found
