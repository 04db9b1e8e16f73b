"""What the heads read from data samples."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError


class ClassLabels:
    """Reads the class indices of training batches, and checks the first one.

    The range is checked once, since that waits for the device.

    Args:
        num_classes: K.
    """

    def __init__(self, num_classes: int) -> None:
        self.num_classes = num_classes
        self._checked = False

    def __call__(self, data_samples: Sequence[DataSample]) -> Tensor:
        """Stack the class indices of a batch, (N,).

        Raises:
            UserError: If a sample carries only soft scores, or a label of the first
                batch lies outside [0, K).
        """
        if not all('gt_label' in sample for sample in data_samples):
            raise UserError(
                'the centre loss needs one class index per image (gt_label); samples that carry soft '
                'scores alone have no own centre'
            )
        label = torch.cat([sample.gt_label for sample in data_samples])
        if not self._checked:
            self._check(label)
            self._checked = True
        return label

    def _check(self, label: Tensor) -> None:
        low, high = int(label.min()), int(label.max())
        if low < 0 or high >= self.num_classes:
            bad = low if low < 0 else high
            raise UserError(
                f'label {bad} is outside the class range [0, {self.num_classes - 1}]: num_classes of the '
                "head and the data set's classes disagree"
            )


class ClassShares(ClassLabels):
    """Reads what each image of a training batch is meant to be, as shares of the classes.

    Args:
        num_classes: K.
    """

    def __call__(self, data_samples: Sequence[DataSample]) -> Tensor:
        """Stack the vote distributions (or mixed labels) of a batch, else its labels as 0 and 1, (N, K).

        Raises:
            UserError: If a sample has neither, or a label of the first batch lies outside [0, K).
        """
        if all('gt_score' in sample for sample in data_samples):
            return torch.stack([sample.gt_score for sample in data_samples]).float()
        return F.one_hot(super().__call__(data_samples), self.num_classes).float()
