"""Confidences that are true: temperature scaling.

Reference: Guo et al., On Calibration of Modern Neural Networks, ICML 2017, equation 9.
"""

import numpy as np


def calibrated(probability: np.ndarray, temperature: float) -> np.ndarray:
    """Return the class probabilities of logits that are divided by a temperature.

    Args:
        probability: Softmax of the logits, (N, K).
        temperature: T; 1 changes nothing, more lowers the confidence.

    Returns:
        float32, (N, K).
    """
    with np.errstate(divide='ignore'):
        log = np.log(probability.astype(np.float64)) / temperature  # logits / T but for a constant, (N, K)
    scaled = np.exp(log - log.max(1, keepdims=True, initial=-np.inf))
    result: np.ndarray = (scaled / scaled.sum(1, keepdims=True)).astype(np.float32)
    return result
