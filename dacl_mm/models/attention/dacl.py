"""Attention over embedding dimensions.

Reference: Farzaneh & Qi, WACV 2021, section 3.2 (context encoder unit and
multi-head binary classification).
"""

from collections.abc import Sequence
from typing import Any

from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError


@MODELS.register_module()
class DACLAttention(BaseModule):
    """Fully connected network from a feature map to one weight per dimension.

    ``flatten -> [Linear, BN, ReLU] * 2 -> Linear, BN, Tanh -> Linear 2d``,
    softmax over each pair; the second element of the pair is the attention.

    Args:
        in_channels: Channels C of the feature map.
        feat_size: Height and width of the feature map; an int for a square.
        out_channels: Width d of the embedding that is weighted.
        hidden_channels: Widths of the encoder's layers; the last one ends in
            Tanh, the others in ReLU.
        init_cfg: Initialisation of the layers.
    """

    def __init__(
        self,
        in_channels: int = 512,
        feat_size: int | Sequence[int] = 7,
        out_channels: int = 512,
        hidden_channels: Sequence[int] = (3584, 512, 64),
        init_cfg: dict[str, Any] | None = dict(
            type='Kaiming', layer='Linear', mode='fan_in', nonlinearity='relu', distribution='normal'
        ),
    ) -> None:
        super().__init__(init_cfg)
        height, width = (feat_size, feat_size) if isinstance(feat_size, int) else feat_size
        self.in_shape = (in_channels, height, width)
        self.out_channels = out_channels
        layers: list[nn.Module] = []
        fan_in = in_channels * height * width
        for i, channels in enumerate(hidden_channels):
            last = i == len(hidden_channels) - 1
            layers += [
                nn.Linear(fan_in, channels),
                nn.BatchNorm1d(channels),
                nn.Tanh() if last else nn.ReLU(inplace=True),
            ]
            fan_in = channels
        self.encoder = nn.Sequential(*layers)
        self.heads = nn.Linear(fan_in, 2 * out_channels)

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to the attention A in (0, 1), (N, d).

        Raises:
            UserError: If the feature map is not the (C, H, W) this was built
                for, or a training batch holds one sample.
        """
        if tuple(feature_map.shape[1:]) != self.in_shape:
            raise UserError(
                f'the attention network was built for feature maps of {self.in_shape} '
                f'(channels, height, width), got {tuple(feature_map.shape[1:])}: change the '
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
