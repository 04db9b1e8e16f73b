"""Centre loss beside any pooled classification head."""

from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from .targets import check_label_range, hard_labels


@MODELS.register_module()
class CenterLossHead(BaseModule):
    """Adds the centre loss on ``pre_logits`` to a registry head.

    Wraps any head that follows MMPretrain's contract (``pre_logits``,
    ``forward``, ``loss``, ``predict``) and whose ``pre_logits`` is (N, d):
    linear, stacked, ArcFace and others. Prediction is the wrapped head's own.

    Reference: Wen et al., ECCV 2016.

    Args:
        head: Config of the wrapped head, which gives ``num_classes`` and
            ``in_channels``.
        loss_center: Config of the centre loss; ``num_classes`` and
            ``feat_channels`` default to the wrapped head's.
        init_cfg: Initialisation.
    """

    def __init__(
        self,
        head: dict,
        loss_center: dict = dict(type='CenterLoss', loss_weight=0.01),
        init_cfg: dict | None = None,
    ):
        super().__init__(init_cfg)
        self.head = MODELS.build(head)
        self.num_classes = self.head.num_classes
        widths = dict(num_classes=self.num_classes, feat_channels=self.head.in_channels)
        self.loss_center = MODELS.build({**widths, **loss_center})
        self._labels_checked = False

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the wrapped head's embedding, (N, d)."""
        return self.head.pre_logits(feats)

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the wrapped head's logits, (N, K)."""
        return self.head(feats)

    def loss(self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs) -> dict:
        """Return the wrapped head's losses and ``loss_center``."""
        label = hard_labels(data_samples)
        if not self._labels_checked:
            check_label_range(label, self.num_classes)
            self._labels_checked = True
        losses = self.head.loss(feats, data_samples, **kwargs)
        if 'loss' in losses:  # a component of this name would hide the logged total
            losses['loss_cls'] = losses.pop('loss')
        losses['loss_center'] = self.loss_center(self.pre_logits(feats), label)
        return losses

    def predict(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample | None] | None = None
    ) -> list[DataSample]:
        """Predict with the wrapped head."""
        return self.head.predict(feats, data_samples)
