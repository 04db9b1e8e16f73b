"""The metrics against scikit-learn."""

import numpy as np
import pytest
import torch
from mmpretrain.structures import DataSample
from sklearn import metrics as sk

from dacl_mm.evaluation.fer_metric import FERMetric
from dacl_mm.evaluation.functional import expected_calibration_error

NAMES = ('neutral', 'happiness', 'sadness')


def evaluate(score, label):
    metric = FERMetric()
    metric.dataset_meta = dict(classes=NAMES)
    rows = [DataSample().set_gt_label(int(y)).set_pred_score(torch.tensor(s)) for s, y in zip(score, label)]
    metric.process(None, [r.to_dict() for r in rows])
    return metric.evaluate(len(rows)), metric


@pytest.mark.parametrize('ties', [False, True])
def test_values_equal_scikit_learn(ties):
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 200)
    score = rng.dirichlet(np.ones(3), 200) + 0.5 * np.eye(3)[label] * rng.random((200, 1))
    score = (score / score.sum(1, keepdims=True)).round(1 if ties else 12)
    values, metric = evaluate(score, label)
    pred, onehot = score.argmax(1), np.eye(3)[label]
    expected = {
        'fer/mean_class_accuracy': sk.balanced_accuracy_score(label, pred),
        'fer/f1_macro': sk.f1_score(label, pred, average='macro'),
        'fer/auc_pr_macro': sk.average_precision_score(onehot, score, average='macro'),
        'fer/auc_roc_macro': sk.roc_auc_score(onehot, score, average='macro'),
        **{f'fer/recall/{n}': r for n, r in zip(NAMES, sk.recall_score(label, pred, average=None))},
    }
    for key, value in expected.items():
        assert values[key] == pytest.approx(100 * value, abs=1e-4), key
    assert (metric.confusion == sk.confusion_matrix(label, pred)).all()


def test_class_without_images_does_not_count():
    values, _ = evaluate(np.array([[0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]), [0, 1])
    assert values['fer/mean_class_accuracy'] == 100
    assert 'fer/recall/sadness' not in values


def test_calibration_error_of_known_cases():
    sure = np.tile([1.0, 0.0], (10, 1))
    assert expected_calibration_error(sure, np.zeros(10, int)) == 0
    assert expected_calibration_error(sure, np.array([0] * 7 + [1] * 3)) == pytest.approx(0.3)
