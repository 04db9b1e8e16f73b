"""What a difference amounts to, in words, against statsmodels' power."""

import math
from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from dacl_mm.comparison.analysis.advice import images_needed, in_words, seeds_needed
from dacl_mm.comparison.analysis.intervals import half_width, p_value
from dacl_mm.comparison.analysis.pairs import Difference


def difference(mean, seed_error, image_error=0.0, seeds=5, tests=1, num_images=1000):
    """Return a difference whose interval and p-value follow from its errors; Bonferroni stands for Holm."""
    half = float(half_width(seed_error**2, image_error**2, seeds))
    p = p_value(mean, seed_error**2, image_error**2, seeds)
    return Difference(
        'ours', 'softmax', 'accuracy', seeds, mean, mean - half, mean + half, seed_error, image_error,
        p, min(p * tests, 1.0), (1.0,), 1.0, num_images, tests,
    )  # fmt: skip


@pytest.mark.parametrize('tests', [1, 20])
@pytest.mark.parametrize(('mean', 'sd'), [(0.5, 1.0), (0.7, 0.6), (0.1, 1.0), (0.01, 1.0)])
def test_seeds_needed_is_statsmodels_where_only_seeds_vary(mean, sd, tests):
    d = difference(mean, sd / math.sqrt(5), tests=tests)
    expected = TTestPower().solve_power(effect_size=mean / sd, alpha=0.05 / tests, power=0.8)
    assert seeds_needed(d) == math.ceil(expected)


def test_images_of_the_split_raise_the_seeds_that_are_needed():
    assert seeds_needed(difference(1.0, 0.5, 0.25)) > seeds_needed(difference(1.0, 0.5))


def test_advice_is_corrected_as_the_verdict_is():
    # Alone this pair is separated at 5 seeds, and 5 would be said to suffice; of 20 tests it is not.
    alone, of_many = (difference(2.0, 0.5, tests=tests) for tests in (1, 20))
    assert alone.separated and seeds_needed(alone) <= 5
    assert not of_many.separated and seeds_needed(of_many) > 5
    assert f'about {seeds_needed(of_many)} seeds would be needed' in in_words(of_many)


def test_what_is_not_separated_always_takes_more_seeds():
    rng = np.random.default_rng(0)
    some = 0
    for _ in range(300):
        seeds, tests = int(rng.integers(2, 11)), int(rng.integers(1, 57))
        d = difference(*rng.lognormal(0, [1.5, 0.5, 0.5]) * [1, 1, 0.3], seeds=seeds, tests=tests)
        if not d.separated and (needed := seeds_needed(d)) is not None:
            assert needed > seeds, d
            some += needed < 3 * seeds
    assert some > 10  # close cases are among them


def test_a_small_test_split_is_said_to_be_too_small():
    d = difference(0.5, 0.1, 1.0)
    assert seeds_needed(d) is None
    wanted = 1000 * ((1.959964 + 0.841621) / 0.5) ** 2  # 31,396
    assert images_needed(d) == 32_000 and 31_000 < wanted < 32_000
    assert 'no number of seeds would do' in in_words(d) and 'about 32,000 test images' in in_words(d)
    assert images_needed(replace(d, tests=20)) > 50_000  # z of 0.05 / 40 is 3.02


def test_words():
    better = difference(2.0, 0.1, tests=3)
    assert in_words(better).startswith('ours beats softmax by 2.00 ± 0.28 points of accuracy (p < 0.001')
    assert 'corrected for 3 comparisons' in in_words(better)
    worse = difference(-2.0, 0.1)
    assert in_words(worse).startswith('softmax beats ours by 2.00 ± 0.28') and 'corrected' not in in_words(
        worse
    )
    assert in_words(difference(0.5, 0.4)).startswith(
        'These runs cannot separate ours and softmax: +0.50 ± 1.11'
    )
    assert 'no difference to look for' in in_words(difference(0.0, 0.4))
    one = in_words(replace(difference(2.0, 0.0, 0.1, seeds=1), metric='mean_class_accuracy'))
    assert (
        one.startswith('One seed cannot separate') and 'points of mean-class accuracy over the images' in one
    )
