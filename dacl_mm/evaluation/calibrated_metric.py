"""How true the confidences are that a shipped model reports."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpretrain.registry import METRICS

from .calibration import LEAST, tempered
from .functional import expected_calibration_error


@METRICS.register_module()
class CalibratedMetric(BaseMetric):
    """Calibration with a temperature, and what a threshold of confidence leaves, in percent.

    Keys: ``ece``, ``coverage`` (share of images whose confidence reaches the threshold) and
    ``sure_accuracy`` (of those images; absent where there are none).

    Args:
        temperature: Divides the logits.
        unsure: The threshold, in [0, 1].
    """

    default_prefix = 'calibrated'

    def __init__(self, temperature: float, unsure: float) -> None:
        super().__init__(collect_device='gpu')
        self.temperature = temperature
        self.unsure = unsure

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep score (K,) and label of each sample."""
        for sample in data_samples:
            self.results.append((sample['pred_score'].float().cpu().numpy(), int(sample['gt_label'])))

    def compute_metrics(self, results: list[tuple[np.ndarray, int]]) -> dict[str, float]:
        """Compute all values over the whole part."""
        score, label = np.stack([s for s, _ in results]), np.array([y for _, y in results])
        probability = tempered(np.log(np.maximum(score, LEAST)), self.temperature)
        sure = probability.max(1) >= self.unsure
        values = dict(ece=expected_calibration_error(probability, label), coverage=float(sure.mean()))
        if sure.any():
            values['sure_accuracy'] = float((probability.argmax(1) == label)[sure].mean())
        return {key: 100 * value for key, value in values.items()}
