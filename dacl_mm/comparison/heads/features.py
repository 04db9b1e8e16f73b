"""What a trained backbone makes of augmented images, once for all heads."""

from collections.abc import Mapping
from copy import deepcopy
from typing import NamedTuple

import torch
from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.training_only import weights_of
from dacl_mm.errors import UserError


class FeatureMaps(NamedTuple):
    """A split's images as feature maps.

    Attributes:
        maps: Of each view of each image, (V, N, C, H, W), float16.
        label: Class indices, (N,).
        score: Shares of the classes, (N, K), where the data set has them.
        classes: Names.
    """

    maps: Tensor
    label: Tensor
    score: Tensor | None
    classes: tuple[str, ...]


def load_backbone(backbone: nn.Module, checkpoint: str) -> None:
    """Give a backbone the weights of a checkpoint.

    Raises:
        UserError: If the checkpoint lacks some of its weights, or has them in another shape.
    """
    found = weights_of(load_checkpoint(checkpoint, 'cpu'))
    own: Mapping[str, Tensor] = backbone.state_dict()
    weights = {name: found.get(f'backbone.{name}') for name in own}
    unfit = [name for name, value in weights.items() if value is None or value.shape != own[name].shape]
    if unfit:
        raise UserError(
            f'{checkpoint} does not fit the backbone {type(backbone).__name__} of the config: '
            f'{len(unfit)} of {len(own)} weights are missing or of another shape, e.g. backbone.{unfit[0]}'
        )
    backbone.load_state_dict(weights)


@torch.no_grad()
def feature_maps(cfg: Config, checkpoint: str, part: str, views: int, seed: int) -> FeatureMaps:
    """Pass a split through a frozen backbone, in evaluation mode.

    Args:
        cfg: A complete config.
        checkpoint: File of a training with the same backbone.
        part: 'train', whose pipeline augments, or 'val'.
        views: How often each image is seen.
        seed: Of the augmentation.

    Raises:
        UserError: If the checkpoint does not fit, or the backbone yields no feature map.
    """
    cfg = deepcopy(cfg)
    cfg.model.backbone.init_cfg = None
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model = MODELS.build(
        {**cfg.model, 'head': None, 'neck': None, 'data_preprocessor': cfg.data_preprocessor}
    )
    load_backbone(model.backbone, checkpoint)
    model.to(device).eval()
    loader_cfg = cfg[f'{part}_dataloader']
    if part == 'train':
        loader_cfg.sampler = dict(type='ShuffleSampler', rest='share')
    else:
        loader_cfg.sampler = dict(type='DefaultSampler', shuffle=False, round_up=False)
    loader_cfg.drop_last = False
    loader = Runner.build_dataloader(loader_cfg, seed=seed)
    count = len(loader.dataset)
    maps: Tensor | None = None
    label, score = torch.zeros(count, dtype=torch.int64), None
    for view in range(views):
        loader.sampler.set_epoch(view)
        for batch in loader:
            data = model.data_preprocessor(batch, training=part == 'train')
            found = model.backbone(data['inputs'])[-1]
            if found.ndim != 4:
                raise UserError(
                    f'{type(model.backbone).__name__} yields no feature map (N, C, H, W): docs/backbones.md'
                )
            if maps is None:
                maps = torch.empty(views, count, *found.shape[1:], dtype=torch.float16)
            index = torch.tensor([sample.sample_idx for sample in data['data_samples']])
            maps[view, index] = found.half().cpu()
            label[index] = torch.cat([sample.gt_label for sample in data['data_samples']]).cpu()
            if 'gt_score' in data['data_samples'][0]:
                shares = torch.stack([sample.gt_score for sample in data['data_samples']]).float().cpu()
                score = torch.zeros(count, shares.shape[1]) if score is None else score
                score[index] = shares
    assert maps is not None
    return FeatureMaps(maps, label, score, tuple(loader.dataset.CLASSES))
