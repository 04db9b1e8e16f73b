"""Logits drawn from a Gaussian in training."""

from typing import Any

import torch
from mmpretrain.models.heads import LinearClsHead
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.models.attention.statistics import ZeroLinear


@MODELS.register_module()
class VarianceHead(LinearClsHead):
    """``CE(m + eps exp(v / 2))``, eps ~ N(0, 1): mean m and log-variance v are linear in the embedding.

    Predictions are by m alone. Nothing but the cross-entropy trains v, as published. Here v starts
    at 0; in the authors' code it starts as any linear layer does.

    Reference: Lv et al., Facial expression recognition via variational inference, Scientific
    Reports 2026, the classification head of POSTER-Var; code in lg2578/poster-var.

    Args:
        num_classes: K.
        in_channels: Width d of the embedding, after a neck that pools.
        **kwargs: Those of :class:`mmpretrain.models.heads.LinearClsHead`.
    """

    #: Parts that no prediction needs: the best checkpoint leaves them out.
    training_only = ('log_variance',)

    def __init__(self, num_classes: int, in_channels: int, **kwargs: Any) -> None:
        super().__init__(num_classes, in_channels, **kwargs)
        self.log_variance = ZeroLinear(in_channels, num_classes)

    def loss(
        self, feats: tuple[Tensor, ...], data_samples: list[DataSample], **kwargs: Any
    ) -> dict[str, Tensor]:
        """Return ``loss``, the classification loss of drawn logits."""
        embedding = self.pre_logits(feats)
        mean, log_variance = self.fc(embedding).float(), self.log_variance(embedding).float()  # (N, K)
        drawn = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        losses: dict[str, Tensor] = self._get_loss(drawn, data_samples, **kwargs)
        return losses
