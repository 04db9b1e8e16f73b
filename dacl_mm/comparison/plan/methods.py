"""What is compared: configs, and sets of methods that share one."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from dacl_mm.config import PAPER_PROTOCOL, check_protocol, data_sets, load_config, set_options
from dacl_mm.engine.checkpoint.training_only import training_only
from dacl_mm.errors import MissingFileError, UserError
from dacl_mm.hub import config_dir
from dacl_mm.models.heads.feature_size import set_feature_size

HELD_OUT, PAPER = 'held-out', 'paper'
PROTOCOLS = (HELD_OUT, PAPER)
#: A method's runs lie in a folder of its name.
NAME = re.compile(r'\w[\w.=+-]*')
#: The options of a data set that decide which images are tested.
TEST_FIELDS = ('type', 'data_root', 'classes', 'layout', 'test_part', 'indices', 'num_images', 'seed')


class Method(NamedTuple):
    """A name, its complete config, and the method that learned its weights; None: itself."""

    name: str
    cfg: Config
    weights_of: str | None = None


def read_methods(
    paths: list[str], options: dict[str, Any] | None = None, names: list[str] | None = None
) -> list[Method]:
    """Read configs; one with a key ``methods`` is a set.

    A set is a complete config, whose ``model`` each of its methods replaces:
    ``methods = dict(NAME=dict(model=FILE, options={KEY: VALUE}))``. The file's
    ``model`` counts; a relative path is looked up beside the set, then among the
    packaged configs. ``NAME=dict(weights_of=OTHER, options=...)`` is not trained: it tests
    what another method of the set has learned, with further options.

    Args:
        paths: Config files; a relative path is also looked up among the
            packaged configs.
        options: Overrides of the keys of every method that is returned.
        names: Those that are, in their order; None: all.

    Raises:
        MissingFileError: If a file is missing.
        UserError: If a name is no name of a folder, two methods have one name, they test
            on different images, or the weights of one are those of none that is trained,
            or lack what its test needs.
    """
    methods: list[Method] = []
    for path in paths:
        cfg = load_config(path)
        entries = cfg.pop('methods', None)
        if entries is None:
            methods.append(Method(Path(path).stem, cfg))
            continue
        for name, entry in entries.items():
            own = deepcopy(cfg)
            source = entry.get('weights_of')
            trained = entry if source is None else entries.get(source)
            if 'model' not in (trained or {}) or (source and 'model' in entry):
                raise UserError(
                    f'{path}: method {name} lacks the key model, the file of its model, or in its place '
                    'weights_of, the name of a method that has one'
                )
            own.model = _model(trained['model'], Path(cfg.filename).parent)
            for part in (trained, entry) if source else (entry,):
                set_options(own, dict(part.get('options', {})))
            methods.append(Method(name, own, source))
    _check_names(methods)
    methods = choose(methods, names)
    for method in methods:
        set_options(method.cfg, options)
        set_feature_size(method.cfg)
    _check(methods)
    _check_kept(methods)
    return methods


def choose(methods: list[Method], names: list[str] | None) -> list[Method]:
    """Return the methods of some names, in their order; all where ``names`` is None.

    Raises:
        UserError: If there is no such method, or it is named twice.
    """
    if names is None:
        return methods
    by_name = {method.name: method for method in methods}
    for name in names:
        if name not in by_name:
            raise UserError(f'there is no method {name}; the set has {", ".join(by_name)}')
        if names.count(name) > 1:
            raise UserError(f'--methods names {name} twice')
    return [by_name[name] for name in names]


def _model(file: str, beside: Path) -> Any:
    for folder in (beside, config_dir()):
        if (folder / file).is_file():
            return load_config(str(folder / file)).model
    raise MissingFileError(f'model file {file} exists neither in {beside} nor among the packaged configs')


def _check_names(methods: list[Method]) -> None:
    names = [method.name for method in methods]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f'two methods are named {", ".join(twice)}: give the configs different file names')
    for method in methods:
        if not NAME.fullmatch(method.name):
            raise UserError(
                f'a method is named {method.name!r}, and its folder is to have that name: rename it (or its '
                'config) with letters, digits and _ . = + - alone, a letter or digit first'
            )


def _check(methods: list[Method]) -> None:
    names = {method.name for method in methods}
    for method in methods:
        if method.weights_of and method.weights_of not in names:
            raise UserError(
                f'{method.name} tests the weights of {method.weights_of}: --methods needs that one too'
            )
        if method.cfg.get('load_from') or method.cfg.get('resume'):
            raise UserError(
                f'{method.name}: load_from and resume would give it other initial weights than the rest; '
                'use model.backbone.init_cfg.checkpoint'
            )
    first = methods[0]
    for method in methods[1:]:
        for field in TEST_FIELDS:
            mine, its = (
                [dataset.get(field) for dataset in data_sets(m.cfg.test_dataloader.dataset)]
                for m in (method, first)
            )
            if mine != its:
                raise UserError(
                    f'{method.name} and {first.name} are tested on different images: test_dataloader.'
                    f'dataset.{field} is {mine!r} and {its!r}'
                )


def _check_kept(methods: list[Method]) -> None:
    """Check that the selected weights of a training hold what those need that test them too."""
    by_name = {method.name: method for method in methods}
    for method in methods:
        if method.weights_of:
            kept = _needed(by_name[method.weights_of])
            lacking = [name for name, shape in _needed(method).items() if kept.get(name) != shape]
            if lacking:
                raise UserError(
                    f'{method.name} needs {lacking[0]}, which the selected weights of {method.weights_of} do '
                    f'not hold: train {method.weights_of} so that its own test needs it'
                )


def _needed(method: Method) -> dict[str, torch.Size]:
    """Return name -> shape of the weights that a method's test needs."""
    init_default_scope('mmpretrain')
    model = MODELS.build({**method.cfg.model, 'data_preprocessor': None})
    left_out = training_only(model)
    return {name: w.shape for name, w in model.state_dict().items() if not name.startswith(left_out)}


def differences(methods: list[Method]) -> dict[str, list[str]]:
    """List the top-level keys, other than the model, in which each method differs from the first."""
    first = methods[0].cfg.to_dict()
    found = {}
    for method in methods:
        own = method.cfg.to_dict()
        keys = {key for key in first.keys() | own.keys() if first.get(key) != own.get(key)}
        found[method.name] = sorted(keys - {'model', 'work_dir', 'protocol'})
    return found


def with_protocol(cfg: Config, protocol: str) -> Config:
    """Return a copy that selects its epoch as the protocol says.

    Raises:
        UserError: If the held-out protocol is asked of a config that selects on
            the test split.
    """
    cfg = deepcopy(cfg)
    if protocol == PAPER:
        cfg.protocol = PAPER_PROTOCOL
        for train in data_sets(cfg.train_dataloader.dataset):
            if train.get('split') == 'train':
                train.split = 'trainval'
        cfg.val_dataloader = deepcopy(cfg.test_dataloader)
        cfg.val_evaluator = deepcopy(cfg.test_evaluator)
        return cfg
    if cfg.get('protocol') == PAPER_PROTOCOL:
        raise UserError('the config follows the paper protocol: compare with --protocol paper')
    check_protocol(cfg)
    return cfg
