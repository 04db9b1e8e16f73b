"""What the heads read from data samples."""

from collections.abc import Sequence

import torch
from mmpretrain.structures import DataSample
from torch import Tensor

from dacl_mm.errors import UserError


def hard_labels(data_samples: Sequence[DataSample]) -> Tensor:
    """Stack the class indices of a batch, (N,).

    Raises:
        UserError: If a sample carries only soft scores.
    """
    if not all('gt_label' in sample for sample in data_samples):
        raise UserError(
            'the centre loss needs one class index per image (gt_label); samples that carry soft '
            'scores alone have no own centre'
        )
    return torch.cat([sample.gt_label for sample in data_samples])


def check_label_range(label: Tensor, num_classes: int) -> None:
    """Raise UserError when a label lies outside [0, num_classes).

    Waits for the device: call it for the first batch, not for each.
    """
    low, high = int(label.min()), int(label.max())
    if low < 0 or high >= num_classes:
        bad = low if low < 0 else high
        raise UserError(
            f'label {bad} is outside the class range [0, {num_classes - 1}]: num_classes of the '
            "head and the data set's classes disagree"
        )
