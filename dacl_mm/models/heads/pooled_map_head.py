"""What heads that see the whole feature map share."""

import torch.nn.functional as F
from mmpretrain.models.heads import LinearClsHead
from torch import Tensor

from dacl_mm.errors import UserError


class PooledMapHead(LinearClsHead):
    """Linear classifier on the global average of the backbone's last feature map.

    The pooling is the head's, so that a subclass has the map as well; there is no neck.

    Args:
        **kwargs: Those of :class:`mmpretrain.models.heads.LinearClsHead`.
    """

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Pool the last feature map (N, C, H, W) to the embedding (N, C).

        Raises:
            UserError: If the features are pooled already or of another width.
        """
        feature_map, name = feats[-1], type(self).__name__
        if feature_map.ndim != 4:
            raise UserError(
                f'{name} expects a feature map (N, {self.in_channels}, H, W), got '
                f'{tuple(feature_map.shape)}: leave out the neck, and ask the backbone for its map '
                "(backbone.gap_before_final_norm=False in ConvNeXt, backbone.out_type='featmap' in "
                'vision transformers; docs/backbones.md)'
            )
        if feature_map.shape[1] != self.in_channels:
            raise UserError(
                f'{name} was built for feature maps of {self.in_channels} channels, got '
                f'{feature_map.shape[1]}: set model.head.in_channels={feature_map.shape[1]}'
            )
        return F.adaptive_avg_pool2d(feature_map, 1).flatten(1)  # (N, C)
