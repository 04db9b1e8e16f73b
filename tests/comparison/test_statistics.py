"""Statistics against scipy, statsmodels, published values and simulation."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from dacl_mm.comparison.analysis import statistics as st


def test_intervals():
    # Student's t: 3 values, mean 2, sd 1, t(0.975, 2) = 4.3027.
    low, high = st.seed_interval([1.0, 2.0, 3.0], 100)
    assert (low, high) == pytest.approx((2 - 4.30265 / math.sqrt(3), 2 + 4.30265 / math.sqrt(3)), abs=1e-4)
    # Wilson's interval of 81 of 263, Newcombe, Statistics in Medicine 1998, table I.
    low, high = st.seed_interval([100 * 81 / 263], 263)
    assert (low / 100, high / 100) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert st.seed_interval([50.0, 50.0], 10) == (50.0, 50.0)


def test_mcnemar_on_agrestis_table():
    # Agresti, Categorical Data Analysis, table 10.1: 150 and 86 discordant.
    a = np.repeat([True, True, False, False], [794, 150, 86, 570])
    b = np.repeat([True, False, True, False], [794, 150, 86, 570])
    assert st.mcnemar_test(a, b) == pytest.approx(stats.binomtest(86, 236).pvalue, rel=1e-9)
    assert st.mcnemar_test(a, a) == 1.0


def test_combined_p_values():
    assert st.combine([0.03]) == 0.03
    assert st.combine([0.01, 0.2, 0.04]) == pytest.approx(0.08)
    assert st.combine([0.9, 0.8]) == 1.0


def test_holm():
    base = st.Difference('a', 'b', 'accuracy', 5, 1.0, 0, 2, 0.5, 0.4, 0, 0, (1.0,), 1.0, 100)
    got = [d.p_adjusted for d in st.adjust([replace(base, p=p) for p in (0.01, 0.04, 0.03)])]
    assert got == pytest.approx([0.03, 0.06, 0.06])
    assert st.adjust([]) == []


def test_weights_give_the_metrics():
    rng = np.random.default_rng(0)
    label = rng.choice(3, 200, p=[0.7, 0.2, 0.1])
    right = rng.random(200) < 0.5
    assert right @ st.image_weights(label, 'accuracy') == pytest.approx(right.mean())
    recall = np.mean([right[label == k].mean() for k in range(3)])
    assert right @ st.image_weights(label, 'mean_class_accuracy') == pytest.approx(recall)
    with pytest.raises(ValueError, match='accuracy'):
        st.image_weights(label, 'f1')


def simulate(rng, seeds, images, seed_sd, image_sd, shift):
    """Paired outcomes of two methods, from a latent that seeds and images shift."""
    latent = rng.normal(0.8, 1, images)
    tilt = rng.normal(shift, seed_sd, (seeds, 1)) + rng.normal(0, image_sd, images)
    a = latent + tilt + 0.5 * rng.normal(size=(seeds, images)) > 0
    b = latent + 0.5 * rng.normal(size=(seeds, images)) > 0
    return a, b


def test_bootstrap_variance_is_that_of_repeated_experiments():
    rng = np.random.default_rng(1)
    label = np.zeros(400, int)
    experiments = [simulate(rng, 5, 400, 0.2, 0.2, 0.1) for _ in range(300)]
    means = [100 * (a.mean() - b.mean()) for a, b in experiments]
    errors = [
        st.bootstrap(a.astype(int) - b.astype(int), label, 'accuracy', 400).std() for a, b in experiments[:60]
    ]
    # Conservative by the noise that both kinds of resampling count, and not more.
    assert 0.95 < np.sqrt(np.mean(np.square(errors))) / np.std(means) < 1.3


@pytest.mark.parametrize(('seed_sd', 'image_sd'), [(0.3, 0.0), (0.0, 0.0), (0.1, 0.4)])
def test_false_alarms_stay_at_the_level(seed_sd, image_sd):
    rng = np.random.default_rng(2)
    label = np.zeros(150, int)
    pairs = [simulate(rng, 4, 150, seed_sd, image_sd, 0.0) for _ in range(100)]
    false = np.mean([st.compare_pair(('a', 'b'), p, label, 'accuracy').p < 0.05 for p in pairs])
    assert false <= 0.10  # 0.05 and two standard errors


def test_a_real_difference_is_found_and_its_sign_kept():
    rng = np.random.default_rng(3)
    label = rng.integers(0, 7, 2000)
    a, b = simulate(rng, 5, 2000, 0.02, 0.0, 0.3)
    (d,) = st.adjust([st.compare_pair(('ours', 'softmax'), (a, b), label, 'mean_class_accuracy')])
    assert d.separated and d.low < d.mean < d.high and d.low > 0
    assert st.in_words(d, 1).startswith('ours beats softmax by ')
    (d,) = st.adjust([st.compare_pair(('ours', 'softmax'), (b, a), label, 'accuracy')])
    assert st.in_words(d, 3).startswith('softmax beats ours by ') and 'corrected for 3 pairs' in st.in_words(
        d, 3
    )


def test_identical_predictions():
    a = np.ones((3, 50), bool)
    d = st.compare_pair(('a', 'b'), (a, a), np.zeros(50, int), 'accuracy')
    assert (d.mean, d.p, d.mcnemar) == (0, 1, (1.0, 1.0, 1.0))
    assert 'no difference to look for' in st.in_words(d, 1)


def test_seeds_needed_is_statsmodels_where_only_seeds_vary():
    for mean, sd in ((0.5, 1.0), (0.7, 0.6), (0.1, 1.0), (0.01, 1.0)):
        error = sd / math.sqrt(5)
        d = st.Difference('a', 'b', 'accuracy', 5, mean, 0, 0, error, error, 0.5, 0.5, (1.0,), 1.0, 100)
        expected = TTestPower().solve_power(effect_size=mean / sd, alpha=0.05, power=0.8)
        assert st.seeds_needed(d) == math.ceil(expected)
        assert f'about {math.ceil(expected):,} seeds would be needed' in st.in_words(d, 1)


def test_a_small_test_split_is_said_to_be_too_small():
    d = st.Difference('a', 'b', 'accuracy', 5, 0.5, 0, 0, 1.0, 0.1, 0.5, 0.5, (1.0,), 1.0, 1000)
    assert st.seeds_needed(d) is None
    wanted = 1000 * (1 - 0.01) * ((1.959964 + 0.841621) / 0.5) ** 2  # 31,082
    assert 'about 32,000 test images' in st.in_words(d, 1) and 31_000 < wanted < 32_000


def test_one_seed_never_separates():
    rng = np.random.default_rng(4)
    a, b = simulate(rng, 1, 3000, 0.0, 0.0, 0.5)
    d = st.compare_pair(('a', 'b'), (a, b), np.zeros(3000, int), 'accuracy')
    assert d.p < 0.01 and not d.separated
    assert st.in_words(d, 1).startswith('One seed cannot separate')
