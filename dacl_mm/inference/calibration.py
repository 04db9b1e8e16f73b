"""Confidences that are true: temperature scaling.

Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 9.
"""

import numpy as np

from dacl_mm.evaluation.calibration import tempered


def calibrated(probability: np.ndarray, temperature: float) -> np.ndarray:
    """Return the class probabilities of logits that are divided by a temperature.

    Args:
        probability: Softmax of the logits, (N, K).
        temperature: T; 1 changes nothing, more lowers the confidence.

    Returns:
        float32, (N, K).
    """
    with np.errstate(divide='ignore'):
        log = np.log(probability.astype(np.float64))  # the logits but for a constant, (N, K)
    return tempered(log, temperature).astype(np.float32)
