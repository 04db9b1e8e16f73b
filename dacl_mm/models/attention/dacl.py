"""Attention over embedding dimensions.

Reference: Farzaneh & Qi, WACV 2021, section 3.2 (context encoder unit and
multi-head binary classification).
"""

import math
from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from dacl_mm.errors import UserError


def linear(fan_in: int | None, fan_out: int) -> nn.Linear:
    """Return a linear layer; without ``fan_in`` one whose weight takes shape later."""
    return nn.LazyLinear(fan_out) if fan_in is None else nn.Linear(fan_in, fan_out)


@MODELS.register_module()
class DACLAttention(BaseModule):
    """Fully connected network from a feature map to one weight per dimension.

    ``flatten -> [Linear, BN, ReLU] * 2 -> Linear, BN, Tanh -> Linear 2d``,
    softmax over each pair; the second element of the pair is the attention.

    Args:
        in_channels: Channels C of the feature map.
        feat_size: Height and width of the feature map; an int for a square. None
            leaves the width of the first layer open (``torch.nn.LazyLinear``) until a
            checkpoint or a first forward pass tells it; training needs it told.
        out_channels: Width d of the embedding that is weighted.
        hidden_channels: Widths of the encoder's layers; the last one ends in
            Tanh, the others in ReLU.
        init_cfg: Initialisation of the layers.
    """

    def __init__(
        self,
        in_channels: int = 512,
        feat_size: int | Sequence[int] | None = None,
        out_channels: int = 512,
        hidden_channels: Sequence[int] = (3584, 512, 64),
        init_cfg: dict[str, Any] | None = dict(
            type='Kaiming', layer='Linear', mode='fan_in', nonlinearity='relu', distribution='normal'
        ),
    ) -> None:
        super().__init__(init_cfg)
        self.in_channels = in_channels
        self.feat_size = (feat_size, feat_size) if isinstance(feat_size, int) else feat_size
        self.out_channels = out_channels
        layers: list[nn.Module] = []
        fan_in = None if self.feat_size is None else in_channels * math.prod(self.feat_size)
        for i, channels in enumerate(hidden_channels):
            last = i == len(hidden_channels) - 1
            layers += [
                linear(fan_in, channels),
                nn.BatchNorm1d(channels),
                nn.Tanh() if last else nn.ReLU(inplace=True),
            ]
            fan_in = channels
        self.encoder = nn.Sequential(*layers)
        self.heads = linear(fan_in, 2 * out_channels)

    def init_weights(self) -> None:
        """Initialise the layers by ``init_cfg``.

        Raises:
            UserError: If the size of the feature map is not known yet.
        """
        if any(is_lazy(p) for p in self.parameters()):
            raise UserError(
                'the attention network cannot be trained before the size of the feature map is known: give '
                'model.head.feat_size (7 for a ResNet at 224 px, 2 at 64 px), or train with '
                'tools/train.py, which finds it'
            )
        super().init_weights()

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to the attention A in (0, 1), (N, d).

        Raises:
            UserError: If the feature map is not the (C, H, W) this was built
                for, or a training batch holds one sample.
        """
        found = tuple(feature_map.shape[1:])
        expected = (self.in_channels, *(self.feat_size or found[1:]))
        if found != expected:
            raise UserError(
                f'the attention network was built for feature maps of {expected} '
                f'(channels, height, width), got {found}: change the '
                'input size of the pipeline, or in_channels / feat_size of the head'
            )
        if self.training and len(feature_map) < 2:
            raise UserError(
                'batch normalisation of the attention network needs at least 2 samples in a training '
                'batch, and this one has 1: raise train_dataloader.batch_size to 2 or more, or, if only '
                'the last batch of an epoch is that small, set train_dataloader.drop_last=True'
            )
        logits = self.heads(self.encoder(feature_map.flatten(1)))  # (N, 2d)
        attention: Tensor = logits.view(-1, self.out_channels, 2).softmax(-1)[..., 1]  # (N, d)
        return attention
