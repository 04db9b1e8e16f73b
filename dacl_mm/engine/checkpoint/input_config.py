"""How the images that a model was trained for are read, transformed and normalised at test."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import ConfigDict
from mmpretrain.registry import MODELS, TRANSFORMS

from dacl_mm.config import data_sets
from dacl_mm.config.device_pipeline import preprocessor_config
from dacl_mm.datasets.packing import PackPixels
from dacl_mm.datasets.synthetic.draw_face import DrawFace
from dacl_mm.models.preprocessors import BatchPreprocessor

#: What BatchPreprocessor takes beside the arguments of MMPretrain's.
OWN = ('train_pipeline', 'test_pipeline', 'channels_last')


def input_config(cfg: ConfigDict) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
    """Return the configs of the data preprocessor and of the test pipeline for image files.

    Transforms on the device come back to the pipeline.

    Args:
        cfg: Config of a training.
    """
    preprocessor = dict(type='ClsDataPreprocessor') | preprocessor_config(cfg)
    dataset = next(data_sets(cfg.test_dataloader.dataset))
    first, *rest = dataset.pipeline
    pipeline = [*_from_files(first), *rest]
    if MODELS.get(preprocessor['type']) is BatchPreprocessor:
        if TRANSFORMS.get(pipeline[-1]['type']) is PackPixels:
            pipeline[-1] = dict(pipeline[-1], type='PackInputs')
        pipeline[-1:-1] = preprocessor.get('test_pipeline', ())
        preprocessor = without(preprocessor, *OWN) | dict(type='ClsDataPreprocessor')
    return without(preprocessor, 'batch_augments'), pipeline


def _from_files(transform: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what stands for a first transform where images are files."""
    if TRANSFORMS.get(transform['type']) is not DrawFace:
        return [transform]
    side = transform.get('size', 64)  # the rest counts on the size of its drawings
    return [dict(type='LoadFace'), dict(type='Resize', scale=(side, side), backend='pillow')]


def without(part: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    """Return a part of a config without some of its keys."""
    return {key: value for key, value in part.items() if key not in keys}
