"""The size of the feature map that an attention is built for, found by a dry forward pass."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from mmcv.transforms import Compose
from mmengine.config import Config, ConfigDict
from mmengine.logging import print_log
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.config import data_sets
from dacl_mm.config.device_pipeline import device_transforms
from dacl_mm.config.signatures import accepted
from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors.pipeline import BatchPipeline

#: Heights and widths of the blank images, in pixels: a pipeline makes one size of both.
BLANK = ((480, 640), (600, 500))
OR_GIVE = 'or give model.head.feat_size (7 for a ResNet at 224 px)'


def set_feature_size(cfg: Config) -> None:
    """Fill in a head's ``feat_size`` where it takes one and the config leaves it out.

    The training pipeline is run on blank images; backbone and neck are then followed, by shapes
    alone, for an image of the size that comes out.

    Args:
        cfg: A complete config; changed in place. Without training loader it is left alone.

    Raises:
        UserError: If the pipeline makes images of several sizes, or the backbone yields no feature
            map or one of another width than the head's; names the key to set.
    """
    model = cfg.get('model') or ConfigDict()
    model = model.get('module', model)  # below test-time augmentation
    head, loader = model.get('head'), cfg.get('train_dataloader')
    if not head or not loader or not model.get('backbone') or head.get('feat_size') is not None:
        return
    init_default_scope(cfg.get('default_scope', 'mmpretrain'))
    kind = MODELS.get(head.type) if isinstance(head.type, str) else head.type
    if 'feat_size' not in (accepted(kind) or ()):
        return
    pipeline = next(iter(data_sets(loader.dataset))).get('pipeline') or []
    size = image_size(pipeline, device_transforms(cfg, training=True))
    feature_map = dry_forward(model, size)
    width, channels = head.get('in_channels', 512), feature_map.shape[1]
    if width != channels:
        raise UserError(
            f'{model.backbone.type} yields feature maps of {channels} channels, the head expects {width}: '
            f'set model.head.in_channels={channels}'
        )
    rows, columns = feature_map.shape[2:]
    head.feat_size = rows if rows == columns else [rows, columns]
    print_log(
        f'feature map of {model.backbone.type} at {size[0]} x {size[1]} px: {rows} x {columns}', 'current'
    )


def image_size(pipeline: list[dict[str, Any]], batched: Sequence[dict[str, Any]] = ()) -> tuple[int, int]:
    """Return height and width, in pixels, of what a pipeline makes of any image.

    Args:
        pipeline: Configs of its transforms; the first one, which reads the image, is left out.
        batched: Those of the data preprocessor, which follow.

    Raises:
        UserError: If it cannot be run on a blank image, or the size depends on the image.
    """
    rest = Compose(pipeline[1:])
    found = set()
    for shape in BLANK:
        blank = dict(img=np.zeros((*shape, 3), np.uint8), img_shape=shape, ori_shape=shape, gt_label=0)
        try:
            found.add(BatchPipeline(batched).output_size(tuple(rest(blank)['inputs'].shape[-2:])))
        except (KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f'the training pipeline cannot be run on a blank image ({type(error).__name__}: {error}), '
                'which would tell the size of the feature map: let it end in PackInputs, and read what '
                f'only a data set knows in its first transform; {OR_GIVE}'
            ) from error
    if len(found) > 1:
        raise UserError(
            'the training pipeline makes images of several sizes, and an attention is built for one: end it '
            f'with a transform that fixes the size, e.g. dict(type="Resize", scale=(224, 224)); {OR_GIVE}'
        )
    height, width = found.pop()
    return height, width


@torch.no_grad()
def dry_forward(model: ConfigDict, size: tuple[int, int]) -> Tensor:
    """Return the last feature map of a model's config for one image; computes with shapes alone.

    Args:
        model: Config of the model; backbone and neck count.
        size: Height and width of the image in pixels.

    Returns:
        A tensor (1, C, h, w) on the meta device.

    Raises:
        UserError: If the backbone cannot take such an image, or there is no map.
    """
    backbone = MODELS.build(model.backbone).to('meta')
    backbone.eval()
    image = torch.empty(1, model.backbone.get('in_channels', 3), *size, device='meta')
    try:
        feats = backbone(image)
    except (AssertionError, RuntimeError, ValueError) as error:
        raise UserError(
            f'{model.backbone.type} cannot take images of {size[0]} x {size[1]} px: {error}'
        ) from error
    last = feats[-1] if isinstance(feats, list | tuple) else feats
    if not isinstance(last, Tensor) or last.ndim != 4:
        raise UserError(
            f'{model.head.type} needs the feature map (N, C, H, W) of {model.backbone.type}, which yields '
            f'one vector per image instead: {ask_for_map(backbone)}'
        )
    if model.get('neck'):
        neck = MODELS.build(model.neck).to('meta')
        neck.eval()
        last = neck(tuple(feats))[-1]
        if not isinstance(last, Tensor) or last.ndim != 4:
            raise UserError(
                f'{model.head.type} needs the feature map (N, C, H, W), which {model.neck.type} pools: '
                'set model.neck=None'
            )
    return last


def ask_for_map(backbone: nn.Module) -> str:
    """Name the option by which a backbone yields its feature map."""
    kind: Any = type(backbone)
    options = accepted(kind) or frozenset()
    if 'gap_before_final_norm' in options:
        return 'set model.backbone.gap_before_final_norm=False'
    if 'featmap' in getattr(backbone, 'OUT_TYPES', ()):
        return "set model.backbone.out_type='featmap'"
    return 'take a backbone that has one (docs/backbones.md)'
