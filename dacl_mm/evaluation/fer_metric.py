"""The numbers a FER paper reports, and those it should."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from mmengine.evaluator import BaseMetric
from mmpretrain.registry import METRICS

from dacl_mm.errors import UserError

from .calibration import entropy_correlation, vote_nll
from .functional import expected_calibration_error

Row = tuple[np.ndarray, int, np.ndarray | None]  # score, label, votes


@METRICS.register_module()
class FERMetric(BaseMetric):
    """Mean-class accuracy, per-class recall, F1, areas under curves, calibration.

    Values in percent: ``mean_class_accuracy``, ``f1_macro``, ``auc_pr_macro``,
    ``auc_roc_macro``, ``ece`` and ``recall/<class name>`` (of the classes that
    have images). Where every sample has ``gt_score`` (the votes of FER+), also
    ``vote_nll`` in nats and ``entropy_correlation`` in [-1, 1]:
    :mod:`dacl_mm.evaluation.calibration`. The confusion matrix stays on the
    object (:attr:`confusion`) for pictures.

    Args:
        bins: Confidence bins of the calibration error.
        collect_device: As in mmengine, whose 'cpu' leaves files in the current folder; 'gpu' communicates.
        prefix: Put before every key.
    """

    default_prefix = 'fer'

    def __init__(self, bins: int = 15, collect_device: str = 'gpu', prefix: str | None = None):
        super().__init__(collect_device, prefix)
        self.bins = bins
        self.confusion: np.ndarray | None = None

    def process(self, data_batch: Any, data_samples: Sequence[dict[str, Any]]) -> None:
        """Keep score (K,), label and, where there are any, votes (K,) of each sample."""
        for sample in data_samples:
            if 'gt_label' not in sample:
                raise UserError(f'{sample.get("img_path", "a sample")} has no label to evaluate against')
            votes = sample['gt_score'].cpu().numpy() if 'gt_score' in sample else None
            self.results.append((sample['pred_score'].float().cpu().numpy(), int(sample['gt_label']), votes))

    def compute_metrics(self, results: list[Row]) -> dict[str, float]:
        """Compute all values over the whole part."""
        # Here, since it takes a sixth of a process's start, and many never evaluate.
        from sklearn.metrics import (
            average_precision_score,
            confusion_matrix,
            f1_score,
            recall_score,
            roc_auc_score,
        )

        score = np.stack([s for s, _, _ in results])
        label = np.array([y for _, y, _ in results])
        votes = [v for _, _, v in results if v is not None]
        if not np.isfinite(score).all():
            count = int((~np.isfinite(score)).any(1).sum())
            raise UserError(
                f'the scores of {count} of {len(score)} images are not finite: training diverged; lower the '
                'learning rate, or take an earlier checkpoint'
            )
        every = range(score.shape[1])
        classes = (self.dataset_meta or {}).get('classes') or [str(k) for k in every]
        predicted, present = score.argmax(1), np.unique(label)
        self.confusion = confusion_matrix(label, predicted, labels=every)
        recall = recall_score(label, predicted, labels=every, average=None, zero_division=np.nan)
        precision_area = [average_precision_score(label == k, score[:, k]) for k in present]
        # One class alone has no other side.
        roc_area = [roc_auc_score(label == k, score[:, k]) for k in present] if len(present) > 1 else np.nan
        values = dict(
            mean_class_accuracy=float(np.nanmean(recall)),
            f1_macro=float(f1_score(label, predicted, average='macro')),
            auc_pr_macro=float(np.mean(precision_area)),
            auc_roc_macro=float(np.mean(roc_area)),
            ece=expected_calibration_error(score, label, self.bins),
        )
        values |= {f'recall/{n}': float(r) for n, r in zip(classes, recall) if np.isfinite(r)}
        values = {key: 100 * value for key, value in values.items()}
        if len(votes) == len(results):
            shares = np.stack(votes)
            values |= dict(
                vote_nll=vote_nll(score, shares), entropy_correlation=entropy_correlation(score, shares)
            )
        return values
