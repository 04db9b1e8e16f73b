"""The two metrics as one: the mean over strata of the share of images that are right."""

import numpy as np

#: Accuracy has all images in one stratum; mean-class accuracy has one for each class.
METRICS = ('accuracy', 'mean_class_accuracy')


def strata(label: np.ndarray, metric: str) -> np.ndarray:
    """Return the stratum of each image, integers from 0 without gaps, (N,).

    Args:
        label: Class of each image, (N,).
        metric: One of :data:`METRICS`.

    Raises:
        ValueError: If the metric is another.
    """
    if metric == 'accuracy':
        return np.zeros(len(label), int)
    if metric == 'mean_class_accuracy':
        return np.unique(label, return_inverse=True)[1]
    raise ValueError(f'metric must be one of {", ".join(METRICS)}, got {metric!r}')


def rates(outcome: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Return the mean outcome in each stratum, (..., N) to (..., K).

    Args:
        outcome: 0 or 1 of a method, -1, 0 or 1 of a difference, (..., N).
        stratum: Of each image, (N,).
    """
    return np.stack([outcome[..., stratum == k].mean(-1) for k in range(stratum.max() + 1)], -1)
