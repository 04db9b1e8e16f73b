"""What is exported: a config's network with its weights, and its data."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.registry import MODELS

from dacl_mm.config import data_sets, load_config, require, set_options
from dacl_mm.engine.checkpoint.fit import check_weights, classes_of, use_classes
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.training_only import weights_of
from dacl_mm.models.heads.feature_size import image_size, set_feature_size

from ..info import ModelInfo
from .preprocessing import Step, describe_steps, use_host_pipeline


class Source(NamedTuple):
    """A trained network, ready to be exported."""

    cfg: Config
    model: ImageClassifier  # on the CPU, evaluating
    info: ModelInfo
    steps: list[Step]  # from a crop to the network's input
    sha256: str  # of the checkpoint file


def read_source(config: str, checkpoint: str, options: dict[str, Any] | None = None) -> Source:
    """Build a config's network, and load its weights.

    Args:
        config: Config file, whose data sets have the training and the held-out images.
        checkpoint: Its weights.
        options: Override config keys.

    Raises:
        UserError: If something is missing, or does not fit together.
    """
    cfg = load_config(config)
    set_options(cfg, options)
    require(cfg, 'model', 'train_dataloader', 'val_dataloader')
    init_default_scope(cfg.default_scope)
    use_host_pipeline(cfg)
    stored = load_checkpoint(checkpoint, 'cpu')
    for part in ('train', 'val'):
        use_classes(cfg[f'{part}_dataloader'].dataset, stored, checkpoint)
    set_feature_size(cfg)
    cfg.model.backbone.init_cfg = None
    model = MODELS.build(dict(data_preprocessor=cfg.get('data_preprocessor')) | cfg.model)
    check_weights(model, stored, checkpoint)
    model.load_state_dict(weights_of(stored), strict=False)
    pipeline = next(data_sets(cfg.val_dataloader.dataset)).pipeline
    height, width = image_size(pipeline)
    info = ModelInfo(Path(checkpoint).stem, classes_of(stored) or (), (width, height))
    sha256 = hashlib.sha256(Path(checkpoint).read_bytes()).hexdigest()
    return Source(cfg, model.eval(), info, describe_steps(pipeline), sha256)
