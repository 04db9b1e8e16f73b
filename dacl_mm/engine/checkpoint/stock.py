"""A trained model as one of MMPretrain's own: what is needed to predict without this package."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from dacl_mm.errors import UserError
from dacl_mm.models.heads import CenterLossHead, DACLHead

from .config_text import read_keys
from .stock_images import require_stock, stock_images, without
from .training_only import weights_of


def to_stock(checkpoint: Mapping[str, Any], source: object) -> tuple[dict[str, Any], Config]:
    """Bring a checkpoint into the form of a plain ``ImageClassifier``, with equal logits.

    Backbone and classifier stay; attention, centres, optimizer and history go. DACL's head becomes
    ``GlobalAveragePooling`` and ``LinearClsHead``, a wrapped head is unwrapped, and one of MMPretrain's
    stays as it is.

    Args:
        checkpoint: One that training has written, with its config.
        source: The file, for messages.

    Returns:
        A checkpoint of weights, epoch and classes; and the config that builds the model and reads
        its images.

    Raises:
        UserError: If it is no such checkpoint, or part of it is not MMPretrain's.
    """
    init_default_scope('mmpretrain')
    cfg = _config_of(checkpoint, source)
    head, neck, place = _stock_head(cfg.model.head, cfg.model.get('neck'), source)
    parts = dict(backbone=without(cfg.model.backbone, 'init_cfg'), neck=neck, head=head)
    for part in filter(None, parts.values()):
        require_stock(MODELS, part, source)
    preprocessor, pipeline = stock_images(cfg, source)
    stock = Config(
        dict(
            default_scope='mmpretrain',
            model=dict(type='ImageClassifier', **parts, data_preprocessor=preprocessor),
            test_dataloader=dict(dataset=dict(type='CustomDataset', pipeline=pipeline)),
        )
    )
    weights = _stock_weights(stock.model, place, checkpoint, source)
    meta = {key: value for key, value in checkpoint['meta'].items() if key in ('epoch', 'dataset_meta')}
    return dict(meta=meta, state_dict=weights), stock


def _config_of(checkpoint: Mapping[str, Any], source: object) -> ConfigDict:
    text = (checkpoint.get('meta') or {}).get('cfg')
    if 'state_dict' not in checkpoint or text is None:
        raise UserError(
            f'{source} holds no weights with the config of their training: take a best_*.pth or epoch_*.pth '
            'that tools/train.py or tools/compare.py has written'
        )
    try:
        found = read_keys(text, 'model', 'data_preprocessor', 'test_dataloader')
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UserError(f'{source}: the config that it holds cannot be read: {error}') from error
    cfg = ConfigDict(found)
    if cfg.get('model', {}).get('type') != 'ImageClassifier' or not cfg.get('test_dataloader'):
        raise UserError(f'{source}: the config that it holds lacks an ImageClassifier or a test_dataloader')
    return cfg


def _stock_head(
    head: ConfigDict, neck: ConfigDict | None, source: object
) -> tuple[dict[str, Any], dict[str, Any] | None, str]:
    """Return the config of MMPretrain's head, of its neck, and the prefix of its weights."""
    place = 'head.'
    while MODELS.get(head.type) is CenterLossHead:
        head, place = head.head, place + 'head.'
    if MODELS.get(head.type) is not DACLHead:
        return without(head, 'loss', 'init_cfg'), neck, place
    if neck:
        raise UserError(
            f'{source} has a {neck.type} before its DACLHead, where MMPretrain has room for the pooling alone'
        )
    linear = dict(
        type='LinearClsHead', num_classes=head.num_classes, in_channels=head.get('in_channels', 512)
    )
    return linear, dict(type='GlobalAveragePooling'), place


def _stock_weights(
    config: ConfigDict, place: str, checkpoint: Mapping[str, Any], source: object
) -> dict[str, Any]:
    found, model = weights_of(checkpoint), MODELS.build(deepcopy(config))
    weights = {}
    for name in model.state_dict():
        its = name.replace('head.', place, 1) if name.startswith('head.') else name
        if its in found:
            weights[name] = found[its]
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f'{source}: the weights do not fit the config that it holds: {error}') from error
    return weights
