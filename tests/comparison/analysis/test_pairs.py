"""Differences of two methods against scipy, published values and constructed truths."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from dacl_mm.comparison.analysis.pairs import Difference, adjust, combine, compare_pair, mcnemar_test

BASE = Difference('a', 'b', 'accuracy', 5, 1.0, 0, 2, 0.5, 0.4, 0, 0, (1.0,), 1.0, 100)


def outcomes(rng, seeds, images, seed_sd, shift):
    """Paired outcomes of two methods, from a latent that seeds shift."""
    latent = rng.normal(0.8, 1, images)
    a = latent + rng.normal(shift, seed_sd, (seeds, 1)) + 0.5 * rng.normal(size=(seeds, images)) > 0
    return a, latent + 0.5 * rng.normal(size=(seeds, images)) > 0


def test_mcnemar_on_agrestis_table():
    # Agresti, Categorical Data Analysis, table 10.1: 150 and 86 discordant.
    a = np.repeat([True, True, False, False], [794, 150, 86, 570])
    b = np.repeat([True, False, True, False], [794, 150, 86, 570])
    assert mcnemar_test(a, b) == pytest.approx(stats.binomtest(86, 236).pvalue, rel=1e-9)
    assert mcnemar_test(a, a) == 1.0


def test_combined_p_values():
    assert combine([0.03]) == 0.03
    assert combine([0.01, 0.2, 0.04]) == pytest.approx(0.08)
    assert combine([0.9, 0.8]) == 1.0


def test_holm():
    got = adjust([replace(BASE, p=p) for p in (0.01, 0.04, 0.03)])
    assert [d.p_adjusted for d in got] == pytest.approx([0.03, 0.06, 0.06])
    assert [d.tests for d in got] == [3, 3, 3] and [d.separated for d in got] == [True, False, False]
    assert adjust([]) == []


def test_where_seeds_dominate_it_is_the_paired_t_test():
    a, b = outcomes(np.random.default_rng(0), 5, 3000, 0.3, 0.1)
    d = compare_pair(('a', 'b'), (a, b), np.zeros(3000, int), 'accuracy')
    test = stats.ttest_rel(a.mean(1), b.mean(1))
    low, high = (100 * end for end in test.confidence_interval(0.95))
    assert (d.low, d.high) == (pytest.approx(low, rel=0.02), pytest.approx(high, rel=0.02))
    assert d.p == pytest.approx(test.pvalue, rel=0.05) and d.seed_error > 10 * d.image_error


def test_a_real_difference_is_found_and_its_sign_kept():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 7, 2000)
    a, b = outcomes(rng, 5, 2000, 0.02, 0.3)
    by_class = [np.mean([x[:, label == k].mean() for k in range(7)]) for x in (a, b)]
    (d,) = adjust([compare_pair(('ours', 'softmax'), (a, b), label, 'mean_class_accuracy')])
    assert d.mean == pytest.approx(100 * (by_class[0] - by_class[1]))
    assert d.separated and 0 < d.low < d.mean < d.high
    (d,) = adjust([compare_pair(('ours', 'softmax'), (b, a), label, 'accuracy')])
    assert d.separated and d.high < 0 and d.mean == pytest.approx(100 * (b.mean() - a.mean()))


def test_identical_predictions():
    a = np.ones((3, 50), bool)
    d = compare_pair(('a', 'b'), (a, a), np.zeros(50, int), 'accuracy')
    assert (d.mean, d.low, d.high, d.p, d.mcnemar) == (0, 0, 0, 1, (1.0, 1.0, 1.0))


def test_one_seed_never_separates():
    a, b = outcomes(np.random.default_rng(4), 1, 3000, 0.0, 0.5)
    (d,) = adjust([compare_pair(('a', 'b'), (a, b), np.zeros(3000, int), 'accuracy')])
    assert d.p_adjusted < 0.01 and d.seed_error == 0 and not d.separated
