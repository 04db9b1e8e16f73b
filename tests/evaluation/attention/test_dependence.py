"""What is said of an attention, against loops in float64."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.stats import pearsonr

from dacl_mm.evaluation.attention.statistics import (
    against_control,
    class_dependence,
    dimensions,
    distance_between_images,
    input_share,
    movement,
    view_correlations,
)

RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(size=12)  # fixed ones of 12 dimensions
OWN = RNG.normal(0, 0.1, (30, 12))  # what belongs to an image


def test_input_share():
    attention = WEIGHTS + OWN
    mean = attention.mean(0)
    within = sum((row[j] - mean[j]) ** 2 for row in attention for j in range(12)) / 360
    total = sum((value - attention.mean()) ** 2 for value in attention.ravel()) / 360
    assert input_share(attention) == pytest.approx(within / total)
    assert input_share(np.tile(WEIGHTS, (5, 1))) == pytest.approx(0, abs=1e-12)


def test_views_of_one_image_correlate_more_than_images():
    views = WEIGHTS + OWN + RNG.normal(0, 0.05, (3, 30, 12))
    found = view_correlations(views)
    centered = views - views.reshape(-1, 12).mean(0)
    same, other = [], []
    for a, b in combinations(range(3), 2):
        for n in range(30):
            for m in range(30):
                (same if n == m else other).append(pearsonr(centered[a, n], centered[b, m]).statistic)
    assert found['same_image'] == pytest.approx(np.mean(same)) and found['same_image'] > 0.6
    assert found['other_images'] == pytest.approx(np.mean(other)) and abs(found['other_images']) < 0.1
    between = views.mean(0).var(0).mean()
    assert found['image_share'] == pytest.approx(between / (between + views.var(0).mean()))
    assert all(map(math.isnan, view_correlations(np.tile(WEIGHTS, (3, 5, 1))).values()))


def test_dimensions_that_vary():
    scale = np.array([3.0, 0, 1, 2])
    attention = scale * np.array([[1, 1, 1, 1], [-1, -1, -1, -1.0]])
    found = dimensions(attention, most=2)
    assert found['effective'] == pytest.approx(14**2 / (81 + 1 + 16))
    assert found['half'] == 1 and found['index'] == [0, 3]
    assert found['share'] == pytest.approx([9 / 14, 4 / 14])
    assert dimensions(np.ones((4, 3)))['index'] == []


@pytest.mark.parametrize('effect', [0.0, 0.15])
def test_class_dependence_is_its_share_of_squares(effect):
    label = np.arange(30) % 3
    attention = WEIGHTS + OWN + effect * np.eye(3, 12)[label]
    found = class_dependence(attention, label, permutations=199)
    mean, between, total = attention.mean(0), 0.0, 0.0
    for k in range(3):
        own = attention[label == k]
        between += len(own) * sum((own.mean(0) - mean) ** 2)
    for row in attention:
        total += sum((row - mean) ** 2)
    assert found['share'] == pytest.approx(between / total)
    assert found['by_chance'] == pytest.approx(2 / 29, rel=0.1)  # degrees of freedom
    assert found['p'] == 1 / 200 if effect else found['p'] > 0.05
    assert math.isnan(class_dependence(np.ones((6, 2)), label[:6])['share'])


def test_p_values_of_labels_that_mean_nothing_are_even():
    rng = np.random.default_rng(1)
    p = [class_dependence(rng.normal(size=(20, 4)), np.arange(20) % 4, 99, seed)['p'] for seed in range(60)]
    assert 0.35 < np.mean(p) < 0.65 and np.mean(np.array(p) <= 0.1) < 0.25


def test_movement_is_in_units_of_the_distance_between_images():
    attention = WEIGHTS + OWN
    pairs = [np.abs(a - b).mean() for a, b in combinations(attention, 2)]
    assert distance_between_images(attention) == pytest.approx(np.mean(pairs))
    moved = movement(attention, attention + 0.02)
    assert moved == pytest.approx(0.02 / np.mean(pairs))
    assert np.isnan(movement(np.ones((4, 2)), np.ones((4, 2)))).all()


def test_a_part_is_compared_with_the_control_image_by_image():
    control = RNG.uniform(0.1, 0.2, 30)
    found = against_control(control + 0.05, control)
    assert found['more'] == 1 and found['p'] < 1e-6
    assert found['mean'] - found['control'] == pytest.approx(0.05)
    assert against_control(control, control)['p'] == 1
    assert against_control(control - 0.05, control)['p'] > 0.99
    assert math.isnan(against_control(np.full(4, np.nan), np.full(4, np.nan))['p'])
