"""How frequent the classes are among training images."""

from collections.abc import Iterable
from typing import Any

import numpy as np


def class_shares(datasets: Iterable[Any]) -> np.ndarray:
    """Return the classes' shares of the images of data sets, (K,); of the votes where labels are votes.

    A class without images counts as one image, since losses take the logarithm.

    Args:
        datasets: With ``get_gt_labels`` and ``CLASSES``, the same ones.
    """
    count = np.sum([_counts(dataset) for dataset in datasets], axis=0)
    count = np.where(count > 0, count, 1)
    return np.asarray(count / count.sum())


def _counts(dataset: Any) -> np.ndarray:
    records: Any = getattr(dataset, 'data_list', None)
    shares = records.shares() if hasattr(records, 'shares') else None
    if shares is not None:
        return np.asarray(shares.sum(0))
    return np.bincount(dataset.get_gt_labels(), minlength=len(dataset.CLASSES)).astype(float)
