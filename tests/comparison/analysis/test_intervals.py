"""Intervals and p-values against scipy, statsmodels and published values."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from dacl_mm.comparison.analysis.intervals import half_width, method_interval, p_value


@pytest.mark.parametrize('seeds', [2, 3, 5, 10])
def test_seeds_alone_are_students_t_test(seeds):
    values = np.random.default_rng(seeds).normal(1, 1, seeds)
    test = stats.ttest_1samp(values, 0)
    low, high = test.confidence_interval(0.95)
    variance = values.var(ddof=1) / seeds
    assert half_width(variance, 0, seeds) == pytest.approx((high - low) / 2)
    assert p_value(values.mean(), variance, 0, seeds) == pytest.approx(test.pvalue)


def test_images_alone_are_normal():
    assert half_width(0, 4.0, 5) == pytest.approx(2 * 1.959964, rel=1e-6)
    for seeds in (1, 5):
        assert p_value(-3.0, 0, 4.0, seeds) == pytest.approx(2 * stats.norm.sf(1.5))


def test_parts_add_up_as_squares_each_with_its_quantile():
    expected = math.hypot(2.776445 * 0.5, 1.959964 * 0.3)
    assert half_width(0.25, 0.09, 5) == pytest.approx(expected, rel=1e-6)
    for mean in (0.01, 0.7, 3.0, 30.0):
        p = p_value(mean, 0.25, 0.09, 5)
        assert half_width(0.25, 0.09, 5, p) == pytest.approx(mean, rel=1e-6)


def test_p_values_at_the_ends():
    assert p_value(0.0, 0, 0, 5) == 1 and p_value(0.0, 1, 1, 5) == 1
    assert p_value(1.0, 0, 0, 5) == 0 and p_value(100.0, 0, 1, 5) == 0


def test_one_seeds_accuracy_has_wilsons_interval():
    # 81 of 263, Newcombe, Statistics in Medicine 1998, table I.
    low, high, clipped = method_interval(np.array([[81 / 263]]), np.array([263]))
    assert (low / 100, high / 100, clipped) == (
        pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4), False,
    )  # fmt: skip
    for right in (0, 263):  # ends at the limit itself, and is not said to be cut
        low, high, clipped = method_interval(np.array([[right / 263]]), np.array([263]))
        assert not clipped and (low if right == 0 else 100 - high) == pytest.approx(0, abs=1e-9)
        assert high - low > 1


def test_one_seeds_mean_class_accuracy_is_stratified():
    rate, size = np.array([[0.9, 0.5, 0.0]]), np.array([1000, 74, 20])
    low, high, _ = method_interval(rate, size)
    ends = [proportion_confint(p * n, n, method='wilson') for p, n in zip(rate[0], size, strict=True)]
    below = math.sqrt(sum((p - e[0]) ** 2 for p, e in zip(rate[0], ends, strict=True))) / 3
    above = math.sqrt(sum((e[1] - p) ** 2 for p, e in zip(rate[0], ends, strict=True))) / 3
    center = rate.mean()
    assert (low, high) == pytest.approx((100 * (center - below), 100 * (center + above)))
    # Wider than as if all 1094 images counted alike.
    whole = proportion_confint(center * 1094, 1094, method='wilson')
    assert high - low > 1.5 * 100 * (whole[1] - whole[0])


def test_several_seeds_add_students_t():
    rate, size = np.array([[0.60], [0.62], [0.70]]), np.array([500])
    low, high, clipped = method_interval(rate, size)
    wilson = proportion_confint(0.64 * 500, 500, method='wilson')
    t = 4.302653 * rate.std(ddof=1) / math.sqrt(3)
    assert low == pytest.approx(64 - 100 * math.hypot(t, 0.64 - wilson[0]), rel=1e-6)
    assert high == pytest.approx(64 + 100 * math.hypot(t, wilson[1] - 0.64), rel=1e-6) and not clipped


def test_two_seeds_do_not_reach_over_the_ends_of_the_scale():
    low, high, clipped = method_interval(np.array([[0.10], [0.22]]), np.array([200]))
    assert (low, clipped) == (0, True) and 90 < high < 100
    assert method_interval(np.array([[0.90], [0.97]]), np.array([200]))[1:] == (100, True)
