"""Label smoothing that gives the rare classes more."""

from typing import Any

import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from torch import Tensor, nn

from dacl_mm.errors import UserError
from dacl_mm.models.class_prior import ClassPrior


@MODELS.register_module()
class RebalancedSmoothLoss(nn.Module):
    """Cross-entropy to smoothed labels, the smoothing shared among the others by inverse frequency.

    A label y becomes 1 - s for y, and ``s w_k / sum_{j != y} w_j`` for k != y, w_k = 1 / prior_k. Of
    shares q each class is smoothed so.

    Reference: Zhang et al., Leave No Stone Unturned: Mine Extra Knowledge for Imbalanced Facial
    Expression Recognition, NeurIPS 2023, re-balanced smooth labels; code in
    zyh-uaiaaaa/Mine-Extra-Knowledge.

    Args:
        num_classes: K.
        smooth: s.
    """

    def __init__(self, num_classes: int, smooth: float = 0.3) -> None:
        super().__init__()
        if not 0 <= smooth < 1:
            raise UserError(f'smooth must lie in [0, 1), got {smooth}')
        self.num_classes = num_classes
        self.prior = ClassPrior(num_classes)
        self.smooth = smooth

    def smoothed(self) -> Tensor:
        """Return what each label becomes, (K, K), rows of sum 1."""
        own = torch.eye(self.num_classes, device=self.prior.share.device)
        others = (1 - own) / self.prior()  # w_k for k != y, (K, K)
        rows: Tensor = (1 - self.smooth) * own + self.smooth * others / others.sum(1, keepdim=True)
        return rows

    def forward(self, cls_score: Tensor, label: Tensor, **kwargs: Any) -> Tensor:
        """Return the mean over the batch, a scalar.

        Args:
            cls_score: Logits, (N, K).
            label: Class indices, (N,), or shares of the classes, (N, K).
            **kwargs: What MMPretrain's heads hand to every loss; without influence.
        """
        with torch.autocast(cls_score.device.type, enabled=False):
            rows = self.smoothed()
            target = rows[label] if label.ndim == 1 else label.float() @ rows  # (N, K)
            return F.cross_entropy(cls_score.float(), target)
