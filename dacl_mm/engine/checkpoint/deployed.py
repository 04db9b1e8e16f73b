"""What of a trained model predicts, and the config that builds it."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.registry import MODELS

from dacl_mm.errors import UserError
from dacl_mm.models.heads import CenterLossHead, DropoutLinearHead, FloatArcFaceHead, VarianceHead
from dacl_mm.models.heads.pooled_map_head import PooledMapHead

from .input_config import input_config, without
from .stored_config import read_stored_config
from .training_only import training_only, weights_of


def deployed_config(checkpoint: Mapping[str, Any], source: object) -> tuple[Config, str]:
    """Return the config of the model that predicts as a trained one does, and where its head lay.

    A head whose prediction is a linear classifier becomes ``LinearClsHead`` (of the pooled map with
    ``GlobalAveragePooling``), a wrapped one is unwrapped, ``FloatArcFaceHead`` becomes MMPretrain's, and
    any other stays as it is, with what it needs to predict.

    Args:
        checkpoint: One that training has written, with its config.
        source: The file, for messages.

    Returns:
        The config, with model and test pipeline; and the prefix of the head's weights.

    Raises:
        UserError: If it is no such checkpoint.
    """
    init_default_scope('mmpretrain')
    cfg = _config_of(checkpoint, source)
    head, neck, place = _simplest(cfg.model.head, cfg.model.get('neck'), source)
    preprocessor, pipeline = input_config(cfg)
    parts = dict(backbone=without(cfg.model.backbone, 'init_cfg'), neck=neck, head=head)
    model = dict(type='ImageClassifier', **parts, data_preprocessor=preprocessor)
    loader = dict(dataset=dict(type='CustomDataset', pipeline=pipeline))
    return Config(dict(default_scope='mmpretrain', model=model, test_dataloader=loader)), place


def deployed(checkpoint: Mapping[str, Any], config: Config, place: str, source: object) -> dict[str, Any]:
    """Return a checkpoint of what predicts: weights, epoch and classes.

    Args:
        checkpoint: One that training has written.
        config: What :func:`deployed_config` gave.
        place: The prefix that it gave.
        source: The file, for messages.

    Raises:
        UserError: If the weights do not fit.
    """
    found, model = weights_of(checkpoint), MODELS.build(deepcopy(config.model))
    left_out, weights = training_only(model), {}
    for name, own in model.state_dict().items():
        if name.startswith(left_out):
            continue
        its = name.replace('head.', place, 1) if name.startswith('head.') else name
        value = found.get(its)
        if value is None or value.shape != own.shape:
            shape = 'missing' if value is None else tuple(value.shape)
            raise UserError(
                f'{source}: the weights do not fit the config that it holds: {its} is {shape}, '
                f'the model needs {tuple(own.shape)}'
            )
        weights[name] = value
    meta = {key: value for key, value in checkpoint['meta'].items() if key in ('epoch', 'dataset_meta')}
    return dict(meta=meta, state_dict=weights)


def _config_of(checkpoint: Mapping[str, Any], source: object) -> ConfigDict:
    cfg = read_stored_config(checkpoint, source)
    kind = MODELS.get(cfg.get('model', {}).get('type') or '')
    if not (isinstance(kind, type) and issubclass(kind, ImageClassifier)) or not cfg.get('test_dataloader'):
        raise UserError(f'{source}: the config that it holds lacks an ImageClassifier or a test_dataloader')
    return cfg


def _simplest(
    head: ConfigDict, neck: ConfigDict | None, source: object
) -> tuple[dict[str, Any], dict[str, Any] | None, str]:
    """Return the config of the simplest head with the same predictions, of its neck, and its prefix."""
    place = 'head.'
    while MODELS.get(head.type) is CenterLossHead:
        head, place = head.head, place + 'head.'
    kind = MODELS.get(head.type)
    if kind is FloatArcFaceHead:  # stored weights have one precision
        head = ConfigDict(head, type='ArcFaceClsHead')
    pools = isinstance(kind, type) and issubclass(kind, PooledMapHead)
    if (
        not (pools or kind in (DropoutLinearHead, VarianceHead))
        or head.get('predict_by', 'classifier') != 'classifier'
    ):
        return without(head, 'loss', 'init_cfg'), neck, place
    if pools and neck:
        raise UserError(
            f'{source} has a {neck.type} before its {head.type}, where MMPretrain has room for the pooling '
            'alone'
        )
    widths = dict(num_classes=head.num_classes, in_channels=head.get('in_channels', 512))
    pooling = dict(type='GlobalAveragePooling') if pools else neck
    return dict(type='LinearClsHead', **widths), pooling, place
