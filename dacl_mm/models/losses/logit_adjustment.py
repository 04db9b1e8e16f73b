"""Cross-entropy of logits that are shifted by how frequent the classes are."""

from typing import Any

import torch.nn.functional as F
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError
from dacl_mm.models.class_prior import ClassPrior


@MODELS.register_module()
class LogitAdjustedLoss(nn.Module):
    """``CE(f + tau log prior)``: the logits f, without the shift, aim at the mean-class accuracy.

    A rare class has to win by a margin in training, and predictions are left as they are. It is
    consistent for the balanced error with tau = 1. The prior is that of the training images
    (:class:`~dacl_mm.engine.hooks.ClassPriorHook`), of their votes where those are the labels.

    Reference: Menon et al., Long-tail learning via logit adjustment, ICLR 2021, the logit-adjusted
    loss; code in google-research/logit_adjustment.

    Args:
        num_classes: K.
        tau: Strength; 0 is the plain cross-entropy.
    """

    def __init__(self, num_classes: int, tau: float = 1.0) -> None:
        super().__init__()
        if tau < 0:
            raise UserError(f'tau must not be negative, got {tau}')
        self.prior = ClassPrior(num_classes)
        self.tau = tau

    def forward(self, cls_score: Tensor, label: Tensor, **kwargs: Any) -> Tensor:
        """Return the mean over the batch, a scalar.

        Args:
            cls_score: Logits, (N, K).
            label: Class indices, (N,), or shares of the classes, (N, K).
            **kwargs: What MMPretrain's heads hand to every loss; without influence.
        """
        return F.cross_entropy(cls_score.float() + self.tau * self.prior().log(), label)
