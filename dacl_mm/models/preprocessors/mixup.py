"""Mixup that keeps each image's own label the leading one."""

import numpy as np
import torch
from mmpretrain.models.utils.batch_augments import Mixup
from mmpretrain.registry import BATCH_AUGMENTS
from torch import Tensor

from dacl_mm.errors import UserError


@BATCH_AUGMENTS.register_module()
class OwnMixup(Mixup):  # type: ignore[misc, unused-ignore]
    """MMPretrain's ``Mixup`` with the larger share for the image itself.

    Two images of a batch meet as often either way around, so the mixed batches are those of plain
    mixup. But an image's ``gt_label`` stays its main class, and a loss that knows one class an image, as the
    centre loss does, may go by it.

    References: Zhang et al., mixup, ICLR 2018; Berthelot et al., MixMatch, NeurIPS 2019, eq. 9, for
    the larger share.

    Args:
        alpha: Both parameters of the beta distribution of the share, positive.

    Raises:
        UserError: If alpha is not positive.
    """

    def __init__(self, alpha: float) -> None:
        if alpha <= 0:
            raise UserError(
                f'alpha of OwnMixup must be positive, got {alpha}: for none set '
                'data_preprocessor.batch_augments=None'
            )
        super().__init__(float(alpha))

    def mix(self, batch_inputs: Tensor, batch_scores: Tensor) -> tuple[Tensor, Tensor]:
        """Mix a batch with itself in another order.

        Args:
            batch_inputs: (N, C, H, W).
            batch_scores: Targets, (N, K).

        Returns:
            Both, mixed.
        """
        share = float(np.random.beta(self.alpha, self.alpha))
        share = max(share, 1 - share)
        other = torch.randperm(len(batch_inputs)).to(batch_inputs.device, non_blocking=True)
        inputs = share * batch_inputs + (1 - share) * batch_inputs[other]
        return inputs, share * batch_scores + (1 - share) * batch_scores[other]
