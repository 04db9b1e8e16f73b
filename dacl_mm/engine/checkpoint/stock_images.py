"""How MMPretrain alone reads, transforms and normalises the images that a model was trained for."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import ConfigDict
from mmengine.registry import Registry
from mmpretrain.registry import MODELS, TRANSFORMS

from dacl_mm.config import data_sets
from dacl_mm.config.device_pipeline import preprocessor_config
from dacl_mm.datasets.images import LoadFace
from dacl_mm.datasets.packing import PackPixels
from dacl_mm.datasets.synthetic.draw_face import DrawFace
from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors import BatchPreprocessor

STOCK = ('mmpretrain', 'mmcv', 'mmengine')
#: What BatchPreprocessor takes beside the arguments of MMPretrain's.
OWN = ('train_pipeline', 'test_pipeline', 'channels_last')


def stock_images(cfg: ConfigDict, source: object) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the configs of MMPretrain's data preprocessor and of a test pipeline for its data sets.

    Transforms on the device come back to the pipeline.

    Args:
        cfg: Config of a training.
        source: The checkpoint, for messages.

    Raises:
        UserError: If MMPretrain lacks a transform, or the preprocessor.
    """
    preprocessor = dict(type='ClsDataPreprocessor') | preprocessor_config(cfg)
    dataset = next(data_sets(cfg.test_dataloader.dataset))
    first, *rest = dataset.pipeline
    pipeline = [*_reading(first), *rest]
    if MODELS.get(preprocessor['type']) is BatchPreprocessor:
        if TRANSFORMS.get(pipeline[-1]['type']) is PackPixels:
            pipeline[-1] = dict(pipeline[-1], type='PackInputs')
        pipeline[-1:-1] = preprocessor.get('test_pipeline', ())
        preprocessor = without(preprocessor, *OWN) | dict(type='ClsDataPreprocessor')
    for transform in pipeline:
        require_stock(TRANSFORMS, transform, source)
    require_stock(MODELS, preprocessor, source)
    return without(preprocessor, 'batch_augments'), pipeline


def _reading(transform: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what stands in MMPretrain for the transform that reads an image."""
    kind, read = TRANSFORMS.get(transform['type']), dict(type='LoadImageFromFile')
    if kind is LoadFace:
        return [read]
    if kind is DrawFace:  # the rest counts on the size of its drawings
        side = transform.get('size', 64)
        return [read, dict(type='Resize', scale=(side, side), backend='pillow')]
    return [transform]


def require_stock(registry: Registry, part: Mapping[str, Any], source: object) -> None:
    """Refuse a part of a config that MMPretrain cannot build.

    Raises:
        UserError: Names it.
    """
    kind = registry.get(part['type'])
    if kind is None or kind.__module__.split('.')[0] not in STOCK:
        raise UserError(
            f'{source} was trained with {part["type"]}, which MMPretrain lacks. What it lacks and can be '
            'replaced: DACLHead, CenterLossHead, LoadFace, DrawFace and BatchPreprocessor'
        )


def without(part: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a part of a config without some of its keys."""
    return {key: value for key, value in part.items() if key not in keys}
