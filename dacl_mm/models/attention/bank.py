"""The control that tells what an attention's dependence on its own image adds, in training and test."""

from typing import Any

import torch
from mmengine.dist import broadcast
from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from torch import Tensor


@MODELS.register_module()
class BankAttention(BaseModule):
    """Another attention's weights, each image with those of another one.

    In training an image gets the weights of its neighbour in the batch, which the sampler put there
    at random; the attention inside is trained by what they do there. The last weights of training
    are kept in a bank of C rows, from which an image is given a row in test: that of its strongest
    channel. So no prediction depends on its batch.

    Args:
        attention: Config of the attention.
        in_channels: Channels C of the feature map.
        feat_size, out_channels: Handed on, as by any head.
    """

    bank: Tensor  # (C, d)
    filled: Tensor  # rows ever written, ()

    def __init__(
        self,
        attention: dict[str, Any] = dict(type='StatisticsAttention'),
        in_channels: int = 512,
        feat_size: object = None,
        out_channels: int = 512,
    ) -> None:
        super().__init__()
        shape = dict(in_channels=in_channels, feat_size=feat_size, out_channels=out_channels)
        self.attention = MODELS.build({**shape, **attention})
        self.out_channels = out_channels
        self.register_buffer('bank', torch.ones(in_channels, out_channels))
        self.register_buffer('filled', torch.zeros((), dtype=torch.int64))

    def reset_parameters(self) -> None:
        """Empty the bank: all its weights are 1."""
        self.bank.fill_(1)
        self.filled.zero_()

    def forward(self, feature_map: Tensor) -> Tensor:
        """Map (N, C, H, W) to weights of other images, (N, d)."""
        if not self.training:
            return self.bank[feature_map.mean((2, 3)).argmax(1)]
        weights: Tensor = self.attention(feature_map)
        self._keep(weights.detach())
        return weights.roll(1, 0)

    @torch.no_grad()
    def _keep(self, weights: Tensor) -> None:
        rows = weights.to(self.bank.dtype).contiguous()[: len(self.bank)]
        broadcast(rows)  # one bank on all ranks: a mean over theirs would be no image's
        place = (self.filled + torch.arange(len(rows), device=rows.device)) % len(self.bank)
        self.bank[place] = rows
        self.filled += len(rows)
