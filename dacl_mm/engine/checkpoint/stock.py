"""A trained model as one of MMPretrain's own: what is needed to predict without this package."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config, ConfigDict
from mmengine.registry import Registry
from mmpretrain.registry import MODELS, TRANSFORMS

from dacl_mm.datasets.images import LoadFace
from dacl_mm.errors import UserError

from .deployed import deployed, deployed_config

STOCK = ('mmpretrain', 'mmcv', 'mmengine')
#: What LoadFace(grey=True) does, but for one level less in 16 of the 256.
GREY = ConfigDict(type='RandomGrayscale', prob=1.0, keep_channels=True, channel_weights=(0.114, 0.587, 0.299))


def to_stock(checkpoint: Mapping[str, Any], source: object) -> tuple[dict[str, Any], Config]:
    """Bring a checkpoint into the form of a plain ``ImageClassifier``, with equal logits.

    Backbone and classifier stay; attention, centres, optimizer and history go. What replaces
    the heads of this package: :func:`~.deployed.deployed_config`.

    Args:
        checkpoint: One that training has written, with its config.
        source: The file, for messages.

    Returns:
        A checkpoint of weights, epoch and classes; and the config that builds the model and reads
        its images.

    Raises:
        UserError: If it is no such checkpoint, or part of it is not MMPretrain's.
    """
    config, place = deployed_config(checkpoint, source)
    model, dataset = config.model, config.test_dataloader.dataset
    if TRANSFORMS.get(dataset.pipeline[0].type) is LoadFace:
        grey = [GREY] if dataset.pipeline[0].get('grey') else []
        dataset.pipeline = [ConfigDict(type='LoadImageFromFile'), *grey, *dataset.pipeline[1:]]
    for part in filter(None, (model.backbone, model.neck, model.head)):
        require_stock(MODELS, part, source)
    for transform in dataset.pipeline:
        require_stock(TRANSFORMS, transform, source)
    require_stock(MODELS, model.data_preprocessor, source)
    return deployed(checkpoint, config, place, source), config


def require_stock(registry: Registry, part: Mapping[str, Any], source: object) -> None:
    """Refuse a part of a config that MMPretrain cannot build.

    Raises:
        UserError: Names it.
    """
    kind = registry.get(part['type'])
    if kind is None or kind.__module__.split('.')[0] not in STOCK:
        raise UserError(
            f'{source} was trained with {part["type"]}, which MMPretrain lacks. What it lacks and can be '
            'replaced: heads that predict by a linear classifier alone (docs/losses.md), FlipViewClassifier, '
            'LoadFace, DrawFace and BatchPreprocessor'
        )
