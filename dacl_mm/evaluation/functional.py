"""A metric that upstream and scikit-learn lack."""

import numpy as np


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
