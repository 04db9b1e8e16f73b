"""Centre loss beside any pooled classification head."""

from typing import Any

from mmengine.model import BaseModule
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from .targets import ClassLabels


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

    #: Parts that no prediction needs: the best checkpoint leaves them out.
    training_only = ('loss_center',)

    def __init__(
        self,
        head: dict[str, Any],
        loss_center: dict[str, Any] = dict(type='CenterLoss', loss_weight=0.01),
        init_cfg: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.head = MODELS.build(head)
        self.num_classes = self.head.num_classes
        widths = dict(num_classes=self.num_classes, feat_channels=self.head.in_channels)
        self.loss_center = MODELS.build({**widths, **loss_center})
        self.class_labels = ClassLabels(self.num_classes)

    def pre_logits(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the wrapped head's embedding, (N, d)."""
        embedding: Tensor = self.head.pre_logits(feats)
        return embedding

    def forward(self, feats: tuple[Tensor, ...]) -> Tensor:
        """Return the wrapped head's logits, (N, K)."""
        logits: Tensor = self.head(feats)
        return logits

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return the wrapped head's losses and ``loss_center``.

        Raises:
            UserError: If the samples have no class index, or one out of range.
        """
        label = self.class_labels(data_samples)
        losses: dict[str, Tensor] = self.head.loss(feats, data_samples, **kwargs)
        if 'loss' in losses:  # a component of this name would hide the logged total
            losses['loss_cls'] = losses.pop('loss')
        losses['loss_center'] = self.loss_center(self.pre_logits(feats), label)
        return losses

    def predict(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample | None] | None = None
    ) -> list[DataSample]:
        """Predict with the wrapped head."""
        samples: list[DataSample] = self.head.predict(feats, data_samples)
        return samples
