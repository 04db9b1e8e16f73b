"""The metrics against their definitions."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample

from dacl_mm.errors import UserError
from dacl_mm.evaluation.fer_metric import FERMetric
from dacl_mm.evaluation.functional import expected_calibration_error

NAMES = ('neutral', 'happiness', 'sadness')


def evaluate(score, label):
    metric = FERMetric()
    metric.dataset_meta = dict(classes=NAMES)
    rows = [
        DataSample().set_gt_label(int(y)).set_pred_score(torch.tensor(s, dtype=torch.float64))
        for s, y in zip(score, label)
    ]
    metric.process(None, [r.to_dict() for r in rows])
    return metric.evaluate(len(rows)), metric


def roc_area(positive: np.ndarray, score: np.ndarray) -> float:
    """How often a positive image scores higher than a negative one; ties count half."""
    pairs = [(p > n) + 0.5 * (p == n) for p in score[positive] for n in score[~positive]]
    return sum(pairs) / len(pairs)


def precision_area(positive: np.ndarray, score: np.ndarray) -> float:
    """Precision at each threshold, weighted by the recall gained there."""
    area, before = 0.0, 0
    for threshold in sorted(set(score), reverse=True):
        taken = score >= threshold
        hits = (taken & positive).sum()
        area += (hits - before) / positive.sum() * hits / taken.sum()
        before = hits
    return area


@pytest.mark.parametrize('ties', [False, True])
@pytest.mark.parametrize('absent', [False, True])
def test_values_by_definition(ties, absent):
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2 if absent else 3, 120)
    score = rng.dirichlet(np.ones(3), 120) + 0.5 * np.eye(3)[label] * rng.random((120, 1))
    score = (score / score.sum(1, keepdims=True)).round(1 if ties else 12)
    values, metric = evaluate(score, label)
    pred, present = score.argmax(1), range(2 if absent else 3)
    recall = [(pred[label == k] == k).mean() for k in present]
    f1 = [2 * ((pred == k) & (label == k)).sum() / ((pred == k).sum() + (label == k).sum()) for k in range(3)]
    expected = {
        'fer/mean_class_accuracy': np.mean(recall),
        'fer/f1_macro': np.mean(f1),  # a class that is only predicted counts as 0
        'fer/auc_pr_macro': np.mean([precision_area(label == k, score[:, k]) for k in present]),
        'fer/auc_roc_macro': np.mean([roc_area(label == k, score[:, k]) for k in present]),
        **{f'fer/recall/{NAMES[k]}': recall[k] for k in present},
    }
    for key, value in expected.items():
        assert values[key] == pytest.approx(100 * value, abs=1e-9), key
    counts = [[((label == i) & (pred == j)).sum() for j in range(3)] for i in range(3)]
    assert metric.confusion.tolist() == counts
    assert set(values) == {*expected, 'fer/ece'}


def test_one_class_alone_has_no_roc():
    values, _ = evaluate(np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]), [0, 0])
    assert np.isnan(values['fer/auc_roc_macro']) and values['fer/auc_pr_macro'] == 100


@pytest.mark.parametrize('bad', [np.nan, np.inf])
def test_scores_that_are_not_finite_are_said(bad):
    with pytest.raises(UserError, match='scores of 1 of 2 images are not finite: training diverged'):
        evaluate(np.array([[0.8, 0.1, 0.1], [0.2, bad, 0.1]]), [0, 1])


def test_class_without_images_does_not_count():
    values, _ = evaluate(np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]), [0, 1])
    assert values['fer/mean_class_accuracy'] == 100
    assert 'fer/recall/sadness' not in values


def test_calibration_error_of_known_cases():
    sure = np.tile([1.0, 0.0], (10, 1))
    assert expected_calibration_error(sure, np.zeros(10, int)) == 0
    assert expected_calibration_error(sure, np.array([0] * 7 + [1] * 3)) == pytest.approx(0.3)
