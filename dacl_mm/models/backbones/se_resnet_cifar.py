"""Squeeze-and-excitation in the ResNet for small images, neither of which upstream combines."""

from typing import Any

from mmpretrain.models.backbones import ResNet_CIFAR
from mmpretrain.models.backbones.resnet import BasicBlock
from mmpretrain.models.utils import SELayer
from mmpretrain.registry import MODELS
from torch import nn


class SEBasicBlock(BasicBlock):  # type: ignore[misc, unused-ignore]
    """A basic block whose residual is weighed channel by channel before it is added.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        se_ratio: Factor by which the weights' hidden layer is narrower.
        **kwargs: Those of :class:`mmpretrain.models.backbones.resnet.BasicBlock`.
    """

    def __init__(self, in_channels: int, out_channels: int, se_ratio: int = 16, **kwargs: Any) -> None:
        super().__init__(in_channels, out_channels, **kwargs)
        # The block applies it to the residual, right before the addition.
        self.drop_path = nn.Sequential(SELayer(out_channels, ratio=se_ratio), self.drop_path)  # type: ignore[has-type]


@MODELS.register_module()
class SEResNetCIFAR(ResNet_CIFAR):  # type: ignore[misc, unused-ignore]
    """SE-ResNet with a 3x3 stem of stride 1 and no max-pooling, for images of about 48 px.

    Reference: Hu et al., Squeeze-and-Excitation Networks, CVPR 2018.

    Args:
        depth: 18 or 34.
        **kwargs: Those of :class:`mmpretrain.models.ResNet_CIFAR`.
    """

    arch_settings = {18: (SEBasicBlock, (2, 2, 2, 2)), 34: (SEBasicBlock, (3, 4, 6, 3))}

    def __init__(self, depth: int, **kwargs: Any) -> None:
        super().__init__(depth, **kwargs)
