"""What is exported: a config's network with its weights, and its data."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config, ConfigDict
from mmpretrain.models.classifiers import ImageClassifier

from dacl_mm.config import data_sets, load_config, require, set_options
from dacl_mm.config.device_pipeline import preprocessor_config
from dacl_mm.engine.checkpoint.fit import use_classes
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors import BatchPreprocessor
from dacl_mm.models.preprocessors.pipeline import BatchPipeline

from ..from_checkpoint import read_model
from ..info import ModelInfo
from .preprocessing import Step, describe_steps, host_pipeline

LOADERS = ('train_dataloader', 'val_dataloader')


class Source(NamedTuple):
    """A trained network, ready to be exported."""

    model: ImageClassifier  # on the CPU, evaluating
    info: ModelInfo
    rgb: bool  # else it takes BGR
    steps: list[Step]  # from a crop to the network's input
    training: ConfigDict  # data set of images for calibration
    held_out: ConfigDict  # data set of images for comparison
    sha256: str  # of the checkpoint file


def read_source(config: str, checkpoint: str, options: dict[str, Any] | None = None) -> Source:
    """Build a config's network, load its weights, and find its images.

    Args:
        config: Config file.
        checkpoint: Its weights.
        options: Override keys of ``train_dataloader`` and ``val_dataloader``.

    Raises:
        UserError: If something is missing, or does not fit together.
    """
    for key in options or {}:
        if key.partition('.')[0] not in LOADERS:
            raise UserError(f'--cfg-options {key}: an export takes keys of {" and ".join(LOADERS)} alone')
    cfg = load_config(config)
    set_options(cfg, options)
    require(cfg, 'model', 'test_dataloader', *LOADERS)
    model, _, info = read_model(config, checkpoint, 'cpu')
    pipeline = host_pipeline(cfg)
    if isinstance(model.data_preprocessor, BatchPreprocessor):
        model.data_preprocessor.test_pipeline = BatchPipeline(())
    training, held_out = (_images(cfg, key, checkpoint, pipeline) for key in LOADERS)
    return Source(
        model=model,
        info=info,
        rgb=bool(preprocessor_config(cfg).get('to_rgb')),
        steps=describe_steps(pipeline),
        training=training,
        held_out=held_out,
        sha256=hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest(),
    )


def _images(cfg: Config, key: str, checkpoint: str, pipeline: list[dict[str, Any]]) -> ConfigDict:
    """Return a loader's data set with the pipeline of the test and the checkpoint's classes."""
    dataset: ConfigDict = cfg[key].dataset
    use_classes(dataset, load_checkpoint(checkpoint, 'cpu', mmap=True), checkpoint)
    for leaf in data_sets(dataset):
        leaf.pipeline, leaf.test_mode = pipeline, True
    return dataset
