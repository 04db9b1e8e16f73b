"""DACL's classification head."""

from collections.abc import Sequence

import torch.nn.functional as F
from mmpretrain.models.heads import LinearClsHead
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError

from .targets import check_label_range, hard_labels


@MODELS.register_module()
class DACLHead(LinearClsHead):
    """Linear classifier on the pooled embedding, trained with DACL.

    Takes the backbone's last feature map (no neck). The embedding is its global
    average; the attention sees the whole map and weighs the centre loss. Both
    attention and centres serve training only: :meth:`predict` never evaluates
    them, and the logits never use A.

    Reference: Farzaneh & Qi, WACV 2021, section 3.

    Args:
        num_classes: K.
        in_channels: Channels of the feature map, which is the embedding width d.
        feat_size: Height and width of the feature map; an int for a square.
        attention: Config of a module (N, C, H, W) -> (N, d); ``in_channels``,
            ``feat_size`` and ``out_channels`` are filled in.
        loss: Config of the classification loss.
        loss_center: Config of the centre loss; ``num_classes`` and
            ``feat_channels`` are filled in.
        init_cfg: Initialisation. None keeps torch's default for the classifier,
            as the authors do.
        **kwargs: ``topk`` and ``cal_acc`` of :class:`LinearClsHead`.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 512,
        feat_size: int | Sequence[int] = 7,
        attention: dict = dict(type='DACLAttention'),
        loss: dict = dict(type='CrossEntropyLoss'),
        loss_center: dict = dict(type='SparseCenterLoss', loss_weight=0.01),
        init_cfg: dict | None = None,
        **kwargs,
    ):
        super().__init__(num_classes, in_channels, init_cfg=init_cfg, loss=loss, **kwargs)
        shape = dict(in_channels=in_channels, feat_size=feat_size, out_channels=in_channels)
        self.attention = MODELS.build({**shape, **attention})
        widths = dict(num_classes=num_classes, feat_channels=in_channels)
        self.loss_center = MODELS.build({**widths, **loss_center})
        if getattr(self.attention, 'out_channels', in_channels) != in_channels:
            raise UserError(
                f'the attention yields {self.attention.out_channels} weights for an embedding of '
                f'{in_channels} channels: out_channels must equal in_channels'
            )
        if (self.loss_center.num_classes, self.loss_center.feat_channels) != (num_classes, in_channels):
            raise UserError(
                f'the centres are ({self.loss_center.num_classes}, {self.loss_center.feat_channels}), '
                f'the head needs (num_classes, in_channels) = ({num_classes}, {in_channels})'
            )
        self._labels_checked = False

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Pool the last feature map (N, C, H, W) to the embedding (N, C).

        Raises:
            UserError: If the features are pooled already or of another width.
        """
        feature_map = feats[-1]
        if feature_map.ndim != 4 or feature_map.shape[1] != self.in_channels:
            raise UserError(
                f'DACLHead expects a feature map (N, {self.in_channels}, H, W), got '
                f'{tuple(feature_map.shape)}: remove the neck, and set in_channels to the '
                "backbone's last width"
            )
        return F.adaptive_avg_pool2d(feature_map, 1).flatten(1)  # (N, C)

    def loss(self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs) -> dict:
        """Return ``loss_cls`` and ``loss_center`` (weighted by lambda).

        Args:
            feats: Backbone outputs; the last is (N, C, H, W).
            data_samples: With ``gt_label``; ``gt_score``, where present, is the
                target of the classification loss.
            **kwargs: Passed on to the classification loss.
        """
        embedding = self.pre_logits(feats)
        label = hard_labels(data_samples)
        if not self._labels_checked:
            check_label_range(label, self.num_classes)
            self._labels_checked = True
        losses = self._get_loss(self.fc(embedding), data_samples, **kwargs)
        losses['loss_cls'] = losses.pop('loss')
        losses['loss_center'] = self.loss_center(embedding, label, self.attention(feats[-1]))
        return losses
