"""The numbers a FER paper reports, and those it should."""

from collections.abc import Callable, Sequence

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpretrain.evaluation import ConfusionMatrix
from mmpretrain.registry import METRICS

from dacl_mm.errors import UserError

from . import functional as F


def macro(score: np.ndarray, label: np.ndarray, metric: Callable) -> float:
    """Mean of a one-against-rest metric over the classes where it is defined."""
    values = np.array([metric(score[:, k], label == k) for k in range(score.shape[1])])
    return float(np.nanmean(values)) if np.isfinite(values).any() else float('nan')


@METRICS.register_module()
class FERMetric(BaseMetric):
    """Mean-class accuracy, per-class recall, F1, areas under curves, calibration.

    All values in percent, except the confusion matrix, which stays on the
    object (:attr:`confusion`) for pictures. Keys: ``mean_class_accuracy``,
    ``f1_macro``, ``auc_pr_macro``, ``auc_roc_macro``, ``ece`` and
    ``recall/<class name>`` (of the classes that have images).

    Args:
        bins: Confidence bins of the calibration error.
        collect_device: As in mmengine.
        prefix: Put before every key.
    """

    default_prefix = 'fer'

    def __init__(self, bins: int = 15, collect_device: str = 'cpu', prefix: str | None = None):
        super().__init__(collect_device, prefix)
        self.bins = bins
        self.confusion: np.ndarray | None = None

    def process(self, data_batch, data_samples: Sequence[dict]) -> None:
        """Keep score (K,) and label of each sample."""
        for sample in data_samples:
            if 'gt_label' not in sample:
                raise UserError(f'{sample.get("img_path", "a sample")} has no label to evaluate against')
            self.results.append((sample['pred_score'].float().cpu().numpy(), int(sample['gt_label'])))

    def compute_metrics(self, results: list) -> dict[str, float]:
        """Compute all values over the whole part."""
        score = np.stack([s for s, _ in results])
        label = np.array([y for _, y in results])
        classes = (self.dataset_meta or {}).get('classes') or [str(k) for k in range(score.shape[1])]
        self.confusion = ConfusionMatrix.calculate(score, label, num_classes=score.shape[1]).numpy()
        recall = F.per_class_recall(self.confusion)
        values = dict(
            mean_class_accuracy=float(np.nanmean(recall)),
            f1_macro=F.macro_f1(self.confusion),
            auc_pr_macro=macro(score, label, F.binary_average_precision),
            auc_roc_macro=macro(score, label, F.binary_auroc),
            ece=F.expected_calibration_error(score, label, self.bins),
        )
        values |= {f'recall/{n}': float(r) for n, r in zip(classes, recall) if np.isfinite(r)}
        return {key: 100 * value for key, value in values.items()}
