"""DACL's classification head."""

from collections.abc import Sequence
from typing import Any

from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError
from dacl_mm.models.attention import Attention

from .pooled_map_head import PooledMapHead
from .targets import ClassLabels


@MODELS.register_module()
class DACLHead(PooledMapHead):
    """Linear classifier on the pooled embedding, trained with DACL.

    Takes the backbone's last feature map (no neck). The embedding is its global
    average; the attention sees the whole map and weighs the centre loss. Both
    attention and centres serve training only: :meth:`predict` never evaluates
    them, and the logits never use A.

    Reference: Farzaneh & Qi, WACV 2021, section 3.

    Args:
        num_classes: K.
        in_channels: Channels of the feature map, which is the embedding width d.
        feat_size: Height and width of the feature map; an int for a square. Left out,
            ``tools/train.py`` and ``tools/compare.py`` find it
            (:func:`~dacl_mm.models.heads.feature_size.set_feature_size`).
        attention: Config of an :class:`~dacl_mm.models.attention.Attention`, a module
            (N, C, H, W) -> (N, d); ``in_channels``, ``feat_size`` and
            ``out_channels`` are filled in.
        loss: Config of the classification loss.
        loss_center: Config of the centre loss; ``num_classes`` and
            ``feat_channels`` are filled in.
        init_cfg: Initialisation. None keeps torch's default for the classifier,
            as the authors do.
        **kwargs: ``topk`` and ``cal_acc`` of :class:`mmpretrain.models.heads.LinearClsHead`.

    Raises:
        UserError: If attention or centres are of another width than the embedding.
    """

    attention: Attention
    #: Parts that no prediction needs: the best checkpoint leaves them out.
    training_only = ('attention', 'loss_center')

    def __init__(
        self,
        num_classes: int,
        in_channels: int = 512,
        feat_size: int | Sequence[int] | None = None,
        attention: dict[str, Any] = dict(type='DACLAttention'),
        loss: dict[str, Any] = dict(type='CrossEntropyLoss'),
        loss_center: dict[str, Any] = dict(type='SparseCenterLoss', loss_weight=0.01),
        init_cfg: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(num_classes, in_channels, init_cfg=init_cfg, loss=loss, **kwargs)
        shape = dict(in_channels=in_channels, feat_size=feat_size, out_channels=in_channels)
        self.attention = MODELS.build({**shape, **attention})
        widths = dict(num_classes=num_classes, feat_channels=in_channels)
        self.loss_center = MODELS.build({**widths, **loss_center})
        weights = getattr(self.attention, 'out_channels', in_channels)
        if weights != in_channels:
            raise UserError(
                f'the attention yields {weights} weights for an embedding of '
                f'{in_channels} channels: out_channels must equal in_channels'
            )
        if (self.loss_center.num_classes, self.loss_center.feat_channels) != (num_classes, in_channels):
            raise UserError(
                f'the centres are ({self.loss_center.num_classes}, {self.loss_center.feat_channels}), '
                f'the head needs (num_classes, in_channels) = ({num_classes}, {in_channels})'
            )
        self.class_labels = ClassLabels(num_classes)

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return ``loss_cls`` and ``loss_center`` (weighted by lambda).

        Args:
            feats: Backbone outputs; the last is (N, C, H, W).
            data_samples: With ``gt_label``; ``gt_score``, where present, is the
                target of the classification loss.
            **kwargs: Passed on to the classification loss.

        Raises:
            UserError: If the samples have no class index, or one out of range.
        """
        embedding = self.pre_logits(feats)
        label = self.class_labels(data_samples)
        losses: dict[str, Tensor] = self._get_loss(self.fc(embedding), data_samples, **kwargs)
        losses['loss_cls'] = losses.pop('loss')
        losses['loss_center'] = self.loss_center(embedding, label, self.attention(feats[-1]))
        return losses
