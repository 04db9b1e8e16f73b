"""Calibration against the votes, temperature and threshold against loops in float64."""

import math

import numpy as np
import pytest
import torch
from layouts import ferplus
from mmengine.registry import init_default_scope
from mmpretrain.structures import DataSample

from dacl_mm.datasets import FERPlus
from dacl_mm.errors import UserError
from dacl_mm.evaluation.calibration import (
    TEMPERATURES,
    entropy_correlation,
    fit_temperature,
    tempered,
    unsure_threshold,
    vote_nll,
)
from dacl_mm.evaluation.fer_metric import FERMetric


def drawn(count=50, seed=0):
    """Scores (N, 3), and votes of ten voters, (N, 3), with many ties among their entropies."""
    rng = np.random.default_rng(seed)
    score = rng.dirichlet(np.ones(3), count)
    return score, rng.multinomial(10, score) / 10


def ranks(values):
    """Rank from 1; ties share the mean of theirs."""
    return [
        sum(other < value - 1e-12 for other in values)
        + (1 + sum(abs(other - value) <= 1e-12 for other in values)) / 2
        for value in values
    ]


def test_nll_of_the_votes_is_the_mean_over_voters():
    score, votes = drawn()
    expected = []
    for p, q in zip(score, votes):
        voters = [k for k in range(3) for _ in range(round(10 * q[k]))]
        expected.append(-sum(math.log(p[k]) for k in voters) / 10)
    assert vote_nll(score, votes) == pytest.approx(sum(expected) / len(expected), rel=1e-12)
    # Where all voters agree it is that of the label; a class without votes may have probability 0.
    assert vote_nll(np.array([[0.25, 0.75, 0.0]]), np.array([[0, 1, 0]])) == pytest.approx(-math.log(0.75))
    assert math.isfinite(vote_nll(np.array([[1.0, 0.0]], np.float32), np.array([[0.5, 0.5]])))


def test_entropy_correlation_is_spearmans():
    score, votes = drawn()
    entropies = [
        [-sum(v * math.log(v) for v in sorted(row) if v > 0) for row in shares] for shares in (score, votes)
    ]
    a, b = (ranks(values) for values in entropies)
    mean = (len(a) + 1) / 2
    top = sum((x - mean) * (y - mean) for x, y in zip(a, b))
    bottom = math.sqrt(sum((x - mean) ** 2 for x in a) * sum((y - mean) ** 2 for y in b))
    assert len(set(b)) < len(b)  # ties
    assert entropy_correlation(score, votes) == pytest.approx(top / bottom, rel=1e-12)
    assert entropy_correlation(votes, votes) == pytest.approx(1)
    # The same shares in another order of the classes.
    assert entropy_correlation(votes[:, ::-1], votes) == pytest.approx(1)
    assert math.isnan(entropy_correlation(np.eye(3), votes[:3]))


def test_the_temperature_minimises_the_likelihood():
    rng = np.random.default_rng(0)
    honest = np.log(rng.dirichlet(np.ones(4), 3000))
    label = np.array([rng.choice(4, p=np.exp(row)) for row in honest])
    fitted = fit_temperature(3 * honest, label)  # thrice too sure
    assert fitted == pytest.approx(3, rel=0.1)

    def loss(temperature):
        rows = [[math.exp(3 * z / temperature) for z in row] for row in honest]
        return -sum(math.log(row[y] / sum(row)) for row, y in zip(rows, label)) / len(label)

    assert loss(fitted) < min(loss(fitted * 1.01), loss(fitted / 1.01))
    # Logits and log-probabilities differ by a number for each image, which does not count.
    shifted = 3 * honest + rng.normal(size=(3000, 1))
    assert fit_temperature(shifted, label) == pytest.approx(fitted, rel=1e-4)
    new = tempered(shifted, fitted)
    np.testing.assert_allclose(new.sum(1), 1)
    by_hand = [math.exp(3 * z / fitted) for z in honest[0]]
    assert new[0] == pytest.approx([value / sum(by_hand) for value in by_hand])
    assert fit_temperature(np.log([[0.9, 0.1]]), np.array([1])) == pytest.approx(TEMPERATURES[1], rel=1e-2)


@pytest.mark.parametrize('bad', [np.zeros((0, 3)), np.array([[0.0, -np.inf]])])
def test_a_temperature_needs_finite_numbers(bad):
    with pytest.raises(UserError, match='finite log-probabilities'):
        fit_temperature(bad, np.zeros(len(bad), int))


def test_the_threshold_covers_most_at_the_accuracy():
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.3, 1, 200).round(2)  # with ties
    right = rng.random(200) < confidence
    best, rows = None, []
    for threshold in sorted(set(confidence)):
        sure = [bool(r) for c, r in zip(confidence, right) if c >= threshold]
        rows.append((threshold, len(sure) / 200, sum(sure) / len(sure)))
        if rows[-1][2] >= 0.8 and best is None:
            best = rows[-1]
    found = unsure_threshold(confidence, right, 0.8)
    assert (found.threshold, found.coverage, found.accuracy) == pytest.approx(best)
    np.testing.assert_allclose(found.table, rows)
    assert unsure_threshold(confidence, np.ones(200), 1.0).coverage == 1
    with pytest.raises(UserError, match=r'right in 90 % of 200 images.* 0\.0 %'):
        unsure_threshold(confidence, np.zeros(200))


@pytest.mark.parametrize('votes', [True, False])
def test_the_metric_has_them_where_there_are_votes(votes):
    score, shares = drawn()
    samples = [DataSample().set_gt_label(int(q.argmax())).set_pred_score(torch.tensor(p)) for p, q in
               zip(score, shares)]  # fmt: skip
    for sample, q in zip(samples[0 if votes else 1 :], shares[0 if votes else 1 :]):
        sample.set_gt_score(torch.tensor(q))
    metric = FERMetric()
    metric.process(None, [sample.to_dict() for sample in samples])
    values = metric.evaluate(len(samples))
    assert ('fer/vote_nll' in values) == ('fer/entropy_correlation' in values) == votes
    if votes:
        assert values['fer/vote_nll'] == pytest.approx(vote_nll(score, shares))
        assert values['fer/entropy_correlation'] == pytest.approx(entropy_correlation(score, shares))


def test_ferplus_has_votes_in_evaluation_alone(tmp_path):
    init_default_scope('mmpretrain')
    ferplus(tmp_path)
    options = dict(data_root=str(tmp_path), split='test')
    tested, asked, trained = (
        FERPlus(**options, **more) for more in (dict(test_mode=True), dict(label_mode='votes'), dict())
    )
    votes = {record['img_path']: record['gt_score'] for record in asked.data_list}
    assert len(tested) and list(tested.get_gt_labels()) == list(trained.get_gt_labels())
    for record in tested.data_list:
        np.testing.assert_array_equal(record['gt_score'], votes[record['img_path']])
        assert record['gt_score'].argmax() == record['gt_label']
    assert not any('gt_score' in record for record in trained.data_list)
