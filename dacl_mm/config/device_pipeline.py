"""Moving transforms of a config from the loader processes to the model's device."""

from collections.abc import Callable, Iterable, Sequence
from itertools import takewhile
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log

from . import data_sets

#: (config of a transform, whether it may be random) -> whether it has a batched counterpart.
Movable = Callable[[dict[str, Any], bool], bool]
#: Collates that hand on images in the order of their samples, and nothing else.
COLLATES = ('default_collate', 'pseudo_collate')


def preprocessor_config(cfg: Config) -> ConfigDict:
    """Return the data preprocessor's config: the model's own, else that of the top level, else none."""
    model = cfg.get('model') or ConfigDict()
    model = model.get('module', model)  # below test-time augmentation
    return model.get('data_preprocessor') or cfg.get('data_preprocessor') or ConfigDict()


def device_transforms(cfg: Config, training: bool = False) -> list[dict[str, Any]]:
    """Return the configs of the transforms that the data preprocessor applies."""
    key = 'train_pipeline' if training else 'test_pipeline'
    return list(preprocessor_config(cfg).get(key) or ())


def move_to_device(cfg: Config, movable: Movable) -> None:
    """Let the data preprocessor do what the pipelines of the data sets end with.

    Of each pipeline the longest tail of transforms that have batched counterparts is taken out, and
    becomes ``data_preprocessor.train_pipeline`` or ``test_pipeline``. All data sets of a kind,
    those of validation and test together, give the same tail. Says what was moved, and what
    was not.

    Args:
        cfg: A complete config; changed in place.
        movable: Which transforms have a counterpart.
    """
    if not preprocessor_config(cfg):
        cfg.data_preprocessor = ConfigDict(type='ClsDataPreprocessor')
    preprocessor = preprocessor_config(cfg)
    kind = preprocessor.get('type', 'ClsDataPreprocessor')
    if kind != 'ClsDataPreprocessor':
        _say(f'transforms stay where they are: the data preprocessor is a {kind}')
        return
    train = _take(cfg, ['train_dataloader'], lambda transform: movable(transform, True))
    test: list[dict[str, Any]] = []
    if cfg.get('tta_pipeline') is None:
        loaders = ['val_dataloader', 'test_dataloader']
        test = _take(cfg, loaders, lambda transform: movable(transform, False))
    else:
        _say('transforms of validation and test stay where they are: tta_pipeline holds some of them')
    if train or test:
        preprocessor.update(type='BatchPreprocessor', train_pipeline=train, test_pipeline=test)


def _take(
    cfg: Config, keys: Iterable[str], movable: Callable[[dict[str, Any]], bool]
) -> list[dict[str, Any]]:
    """Take the common tail out of the pipelines of loaders."""
    loaders = {key: cfg[key] for key in keys if cfg.get(key)}
    datasets = [dataset for loader in loaders.values() for dataset in data_sets(loader.dataset)]
    names = ' and '.join(loaders)
    if not loaders:
        return []
    if any(
        loader.get('collate_fn', {}).get('type', COLLATES[1]) not in COLLATES for loader in loaders.values()
    ):
        _say(f'transforms of {names} stay where they are: collate_fn is not one of {", ".join(COLLATES)}')
        return []
    pipelines = [dataset.get('pipeline') or [] for dataset in datasets]
    if any(not pipeline or pipeline[-1].type != 'PackInputs' for pipeline in pipelines):
        _say(f'transforms of {names} stay where they are: a pipeline does not end in PackInputs')
        return []
    tail = _common_tail([pipeline[:-1] for pipeline in pipelines])
    tail = list(takewhile(movable, reversed(tail)))[::-1]
    if not tail:
        _say(f'transforms of {names} stay where they are: the last one has no batched counterpart')
        return []
    for dataset, pipeline in zip(datasets, pipelines, strict=True):
        kept = pipeline[: len(pipeline) - 1 - len(tail)]
        dataset.pipeline = [*kept, dict(pipeline[-1], type='PackPixels')]
    for loader in loaders.values():
        loader.collate_fn = dict(type='pixel_collate')
    _say(f'{names}: {", ".join(transform["type"] for transform in tail)} on the device')
    return tail


def _common_tail(pipelines: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the transforms that all pipelines end with."""
    columns = zip(*(reversed(pipeline) for pipeline in pipelines))
    same = takewhile(lambda column: all(transform == column[0] for transform in column), columns)
    return [column[0] for column in same][::-1]


def _say(message: str) -> None:
    print_log(message, logger='current')
