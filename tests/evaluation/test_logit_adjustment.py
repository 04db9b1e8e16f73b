"""Logit adjustment against loops in float64."""

import math

import numpy as np
import pytest
import torch
from mmengine.evaluator import BaseMetric
from mmpretrain.structures import DataSample

from dacl_mm.evaluation.logit_adjustment import (
    STRENGTHS,
    LogitAdjustedEvaluator,
    StrengthMetric,
    adjusted,
    choose,
    try_strengths,
)

PRIOR = np.array([0.7, 0.25, 0.05])


def drawn(count=400, seed=0):
    """Scores that favour frequent classes too much, and labels by the prior."""
    rng = np.random.default_rng(seed)
    label = rng.choice(3, count, p=PRIOR)
    logits = rng.normal(0, 1, (count, 3)) + 1.5 * np.eye(3)[label] + 1.6 * np.log(PRIOR)
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True), label


def by_hand(row, strength):
    """Softmax of log p - tau log prior."""
    logits = [math.log(p) - strength * math.log(prior) for p, prior in zip(row, PRIOR)]
    total = sum(math.exp(z) for z in logits)
    return [math.exp(z) / total for z in logits]


def test_it_subtracts_the_log_prior():
    score, _ = drawn(20)
    for strength in (0.0, 0.4, 1.0):
        expected = [by_hand(row, strength) for row in score]
        np.testing.assert_allclose(adjusted(score, PRIOR, strength), expected, rtol=1e-12)


def test_the_greatest_strength_that_costs_no_accuracy_is_chosen():
    score, label = drawn()
    accuracy, recall = [], []
    for strength in STRENGTHS:
        hits = [[], [], []]
        for row, y in zip(score, label):
            new = by_hand(row, strength)
            hits[y].append(new.index(max(new)) == y)
        accuracy.append(sum(map(sum, hits)) / len(label))
        recall.append(sum(sum(h) / len(h) for h in hits) / 3)
    best = max(i for i, value in enumerate(accuracy) if value >= accuracy[0])
    assert 0 < best < len(STRENGTHS) - 1
    chosen = choose(try_strengths(score, label, PRIOR))
    assert chosen.strength == STRENGTHS[best]
    assert chosen.accuracy == pytest.approx(100 * accuracy[best])
    assert chosen.mean_class_accuracy == pytest.approx(100 * recall[best])
    assert recall[best] > recall[0]


class Kept(BaseMetric):
    """Returns what it was given."""

    def process(self, data_batch, data_samples):
        self.results += [(s['pred_score'], s['pred_label']) for s in data_samples]

    def compute_metrics(self, results):
        self.kept = results
        return dict(count=len(results))


def test_evaluators_choose_and_adjust():
    score, label = drawn()
    samples = [
        DataSample().set_pred_score(torch.tensor(row)).set_gt_label(int(y)) for row, y in zip(score, label)
    ]
    metric = StrengthMetric(PRIOR)
    metric.process(None, [sample.to_dict() for sample in samples])
    strength = metric.evaluate(len(samples))['logit_adjustment/strength']
    assert strength == choose(try_strengths(score, label, PRIOR)).strength
    kept = Kept()
    evaluator = LogitAdjustedEvaluator([kept], PRIOR, strength)
    evaluator.process(samples)
    values = evaluator.evaluate(len(samples))
    assert values == {'count': 400, 'logit_adjustment/strength': strength}
    for (new, predicted), row in zip(kept.kept, score):
        expected = by_hand(row, strength)
        assert new.tolist() == pytest.approx(expected) and int(predicted) == expected.index(max(expected))
