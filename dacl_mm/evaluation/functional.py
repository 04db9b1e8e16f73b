"""Metrics that upstream lacks, as functions of scores and labels."""

import numpy as np


def per_class_recall(confusion: np.ndarray) -> np.ndarray:
    """Recall of each class in [0, 1], (K,); NaN for a class without images.

    Args:
        confusion: Counts, (K, K): row = label, column = prediction.
    """
    support = confusion.sum(1)
    return np.divide(np.diag(confusion), support, out=np.full(len(support), np.nan), where=support > 0)


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 in [0, 1] over the classes that occur as label or prediction."""
    total = confusion.sum(0) + confusion.sum(1)
    return float((2 * np.diag(confusion)[total > 0] / total[total > 0]).mean())


def binary_auroc(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the ROC curve of one class against the rest, ties counted half.

    The Mann-Whitney statistic. NaN where one side is empty.

    Args:
        score: (N,).
        positive: Boolean, (N,).
    """
    n_pos = int(positive.sum())
    n_neg = len(positive) - n_pos
    if n_pos == 0 or n_neg == 0:
        return float('nan')
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(counts) - (counts - 1) / 2  # rank from 1, ties share the mean
    rank_sum = mean_rank[inverse][positive].sum()
    return float((rank_sum - n_pos * (n_pos + 1) / 2) / (n_pos * n_neg))


def binary_average_precision(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the precision-recall curve as a step function, ties as one step.

    NaN without a positive sample.
    """
    n_pos = int(positive.sum())
    if n_pos == 0:
        return float('nan')
    order = np.argsort(-score, kind='stable')
    hits = np.cumsum(positive[order])
    last_of_tie = np.append(np.diff(score[order]) != 0, True)
    hits, seen = hits[last_of_tie], (np.arange(len(score)) + 1)[last_of_tie]
    recall_gain = np.diff(np.append(0, hits)) / n_pos
    return float((recall_gain * hits / seen).sum())


def expected_calibration_error(score: np.ndarray, label: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, in [0, 1].

    Guo et al., On Calibration of Modern Neural Networks, ICML 2017, eq. 3.

    Args:
        score: Class probabilities, (N, K).
        label: (N,).
        bins: Number of confidence bins; each is open below and closed above.
    """
    confidence, correct = score.max(1), score.argmax(1) == label
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(which, correct - confidence, bins)
    return float(np.abs(gap).sum() / len(label))
