"""The metrics as means over strata, and the parts of a variance against a naive analysis of variance."""

import numpy as np
import pytest

from dacl_mm.comparison.analysis.strata import rates, strata
from dacl_mm.comparison.analysis.variance import variance_parts


def test_means_over_strata_are_the_metrics():
    rng = np.random.default_rng(0)
    label = rng.choice([0, 3, 5], 200, p=[0.7, 0.2, 0.1])
    right = rng.random((2, 200)) < 0.5
    accuracy = rates(right, strata(label, 'accuracy'))
    recall = rates(right, strata(label, 'mean_class_accuracy'))
    assert accuracy == pytest.approx(right.mean(1)[:, None])
    assert recall == pytest.approx(np.array([[row[label == k].mean() for k in (0, 3, 5)] for row in right]))
    with pytest.raises(ValueError, match=r'accuracy, mean_class_accuracy, got .f1'):
        strata(label, 'f1')


def naive_parts(difference, label):
    """Mean squares of the two-way layout in each class, by loops: seeds' part, noise alone, images' part."""
    classes = sorted(set(label))
    noise = images = 0.0
    for k in classes:
        x = [[float(v) for v, c in zip(row, label, strict=True) if c == k] for row in difference]
        s, n = len(x), len(x[0])
        grand = sum(map(sum, x)) / (s * n)
        row = [sum(values) / n for values in x]
        column = [sum(x[i][j] for i in range(s)) / s for j in range(n)]
        residual = sum((x[i][j] - row[i] - column[j] + grand) ** 2 for i in range(s) for j in range(n))
        residual /= (s - 1) * (n - 1)
        between = s * sum((c - grand) ** 2 for c in column) / (n - 1)
        noise += residual / (s * n) / len(classes) ** 2
        images += (between - residual) / (s * n) / len(classes) ** 2
    by_seed = [
        sum(np.mean([v for v, c in zip(row, label, strict=True) if c == k]) for k in classes) / len(classes)
        for row in difference
    ]
    return np.var(by_seed, ddof=1) / len(by_seed), noise, images


@pytest.mark.parametrize('metric', ['accuracy', 'mean_class_accuracy'])
def test_parts_are_those_of_the_analysis_of_variance(metric):
    rng = np.random.default_rng(1)
    label = rng.choice(3, 60, p=[0.6, 0.3, 0.1])
    tilt = rng.normal(0, 0.8, (4, 1)) + rng.normal(0, 0.8, 60)
    difference = np.sign(np.round(tilt + rng.normal(0, 0.5, (4, 60)))).astype(int)
    seeds, noise, images = naive_parts(difference, label if metric != 'accuracy' else 0 * label)
    parts = variance_parts(difference, strata(label, metric))
    assert seeds > noise  # the case without the floor
    assert parts.seeds == pytest.approx(1e4 * seeds) and parts.images == pytest.approx(1e4 * images)
    several = variance_parts(np.stack([difference, -difference]), strata(label, metric))
    assert several.seeds == pytest.approx([1e4 * seeds] * 2) and several.by_seed[1] == pytest.approx(
        -parts.by_seed
    )


def test_seeds_that_agree_to_the_image_still_have_the_noise_of_their_predictions():
    difference = np.zeros((2, 100), int)
    difference[0, :20], difference[1, 20:40] = 1, 1  # 20 each, and not one in common
    parts = variance_parts(difference, np.zeros(100, int))
    assert parts.by_seed.tolist() == [20, 20]
    _, noise, _ = naive_parts(difference, [0] * 100)
    assert parts.seeds == pytest.approx(1e4 * noise) and parts.seeds > 5
    assert parts.images == 0


def test_one_seed_has_the_images_alone():
    difference = np.repeat([[1, 0, -1]], [10, 80, 10], axis=1)
    parts = variance_parts(difference, np.zeros(100, int))
    assert parts.seeds == 0 and parts.images == pytest.approx(1e4 * np.var(difference, ddof=1) / 100)


def test_a_class_of_one_image_is_not_taken_for_certain():
    label = np.repeat([0, 1], [99, 1])
    parts = variance_parts(np.zeros((3, 100), int), strata(label, 'mean_class_accuracy'))
    assert parts.images == pytest.approx(100**2 / 2**2)
