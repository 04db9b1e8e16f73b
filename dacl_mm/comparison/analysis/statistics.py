"""Whether two methods differ, and how sure that is.

Runs are paired: a seed gives every method the same start and the same images. Two
things are random, the seed and which images are in the test split, so both are
resampled.

References:
    [0] Dietterich, Approximate Statistical Tests for Comparing Supervised
        Classification Learning Algorithms, Neural Computation 1998 (McNemar's test).
    [1] Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks,
        MLSys 2021 (resampling seeds and data).
    [2] Vovk & Wang, Combining p-values via averaging, Biometrika 2020.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95
POWER = 0.8
#: mean-class accuracy weighs each image by its class, accuracy all alike.
METRICS = ('accuracy', 'mean_class_accuracy')


def seed_interval(values: Sequence[float], num_images: int) -> tuple[float, float]:
    """95 % interval of a percentage over seeds (Student's t).

    One seed has Wilson's interval over the images instead: it says what another test
    split would give, and nothing about another training.

    Args:
        values: One per seed, in percent.
        num_images: Of the test split.
    """
    if len(values) == 1:
        low, high = proportion_confint(
            round(values[0] / 100 * num_images), num_images, 1 - LEVEL, method='wilson'
        )
        return 100 * float(low), 100 * float(high)
    error = stats.sem(values)
    if error == 0:
        return float(values[0]), float(values[0])
    low, high = stats.t.interval(LEVEL, len(values) - 1, np.mean(values), error)
    return float(low), float(high)


def image_weights(label: np.ndarray, metric: str) -> np.ndarray:
    """What a correct image adds to the metric, (N,); sums to 1.

    Raises:
        ValueError: If the metric is none of :data:`METRICS`.
    """
    if metric == 'accuracy':
        return np.full(len(label), 1 / len(label))
    if metric == 'mean_class_accuracy':
        _, which, counts = np.unique(label, return_inverse=True, return_counts=True)
        return 1 / (len(counts) * counts[which])
    raise ValueError(f'metric must be one of {", ".join(METRICS)}, got {metric!r}')


def resample_images(label: np.ndarray, metric: str, rounds: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how often each image counts, (rounds, N); mean-class accuracy keeps the class sizes."""
    groups = [label == k for k in np.unique(label)] if metric == 'mean_class_accuracy' else [label == label]
    counts = np.zeros((rounds, len(label)), np.float32)
    for group in groups:
        n = int(group.sum())
        counts[:, group] = rng.multinomial(n, np.full(n, 1 / n), size=rounds)
    return counts


def bootstrap(
    difference: np.ndarray, label: np.ndarray, metric: str, rounds: int = 2000, seed: int = 0
) -> np.ndarray:
    """Resample a paired difference over seeds and images.

    Resampling S seeds understates their variance by (S - 1) / S; the deviations are
    scaled to make up for it.

    Args:
        difference: Correct by A minus correct by B, (S, N), of -1, 0, 1.
        label: (N,).
        metric: One of :data:`METRICS`.
        rounds: Resamples.
        seed: Of the resampling.

    Returns:
        The mean difference in each resample, (rounds,), in points (percent).
    """
    rng = np.random.default_rng(seed)
    num_seeds = len(difference)
    weighted = 100 * (difference * image_weights(label, metric)).T.astype(np.float32)  # (N, S)
    by_seed = np.concatenate(
        [
            resample_images(label, metric, min(500, rounds - done), rng) @ weighted
            for done in range(0, rounds, 500)
        ]
    )  # (rounds, S)
    center = by_seed.mean(1)
    if num_seeds == 1:
        return center
    drawn = rng.multinomial(num_seeds, np.full(num_seeds, 1 / num_seeds), size=rounds) / num_seeds
    return center + math.sqrt(num_seeds / (num_seeds - 1)) * ((drawn * by_seed).sum(1) - center)


@dataclass(frozen=True)
class Difference:
    """A minus B in one metric, in points.

    ``error`` is the standard error over seeds and images; ``seed_error`` the part that
    more seeds would make smaller. ``p`` is two-sided (Student's t with Satterthwaite's
    degrees of freedom), ``p_adjusted`` Holm's over all pairs.
    """

    a: str
    b: str
    metric: str
    seeds: int
    mean: float
    low: float
    high: float
    error: float
    seed_error: float
    p: float
    p_adjusted: float
    mcnemar: tuple[float, ...]
    mcnemar_combined: float
    num_images: int

    @property
    def separated(self) -> bool:
        """Whether the pair differs at 5 % after the correction, with more than one seed."""
        return self.seeds > 1 and self.p_adjusted < 1 - LEVEL


def degrees_of_freedom(error: float, seed_error: float, seeds: int) -> float:
    """Satterthwaite's: S - 1 where only seeds vary, more as images take their share."""
    if seed_error == 0 or seeds < 2:
        return math.inf
    return max((error / seed_error) ** 4 * (seeds - 1), seeds - 1)


def mcnemar_test(a: np.ndarray, b: np.ndarray) -> float:
    """P-value of the exact McNemar test on one seed's predictions.

    Args:
        a: Whether A was right, (N,).
        b: Whether B was right, (N,).
    """
    table = [[np.sum(a & b), np.sum(a & ~b)], [np.sum(~a & b), np.sum(~a & ~b)]]
    return float(mcnemar(table, exact=True).pvalue)


def combine(p_values: Sequence[float]) -> float:
    """Combine dependent p-values: twice their median [2]; a single one is itself."""
    if len(p_values) == 1:
        return p_values[0]
    return min(1.0, 2 * float(np.median(p_values)))


def compare_pair(
    names: tuple[str, str], correct: tuple[np.ndarray, np.ndarray], label: np.ndarray, metric: str
) -> Difference:
    """Compare two methods over their common seeds.

    Args:
        names: A and B.
        correct: Whether each image was right, (S, N) each, the seeds in one order.
        label: (N,).
        metric: One of :data:`METRICS`.
    """
    a, b = correct
    difference = a.astype(np.int8) - b.astype(np.int8)
    seeds = len(difference)
    by_seed = 100 * (difference * image_weights(label, metric)).sum(1)
    mean = float(by_seed.mean())
    error = float(bootstrap(difference, label, metric).std(ddof=1))
    seed_error = float(by_seed.std(ddof=1) / math.sqrt(seeds)) if seeds > 1 else 0.0
    error = max(error, seed_error)
    df = degrees_of_freedom(error, seed_error, seeds)
    half = float(stats.t.ppf((1 + LEVEL) / 2, df) * error)
    p = float(2 * stats.t.sf(abs(mean) / error, df)) if error > 0 else 1.0
    tests = tuple(mcnemar_test(x, y) for x, y in zip(a, b))
    return Difference(
        *names, metric, seeds, mean, mean - half, mean + half, error, seed_error, p, p,
        tests, combine(tests), len(label),
    )  # fmt: skip


def adjust(differences: Sequence[Difference]) -> list[Difference]:
    """Correct the p-values of all pairs of one metric by Holm's method."""
    if not differences:
        return []
    adjusted = multipletests([d.p for d in differences], method='holm')[1]
    return [Difference(**{**vars(d), 'p_adjusted': float(p)}) for d, p in zip(differences, adjusted)]


def seeds_needed(d: Difference, power: float = POWER) -> int | None:
    """Return the seeds with which a difference of this size would be found.

    Without the correction for several pairs.

    Returns:
        The number for the given power at 5 %; None where no number suffices, because
        the test split is too small.
    """
    if d.mean == 0 or d.seeds < 2:
        return None
    seed_variance = d.seed_error**2 * d.seeds  # of one seed
    image_variance = max(d.error**2 - d.seed_error**2, 0.0)

    def enough(n: int) -> bool:
        seed_error = math.sqrt(seed_variance / n)
        error = math.hypot(seed_error, math.sqrt(image_variance))
        df = degrees_of_freedom(error, seed_error, n)
        shift = abs(d.mean) / error
        if df > 1e5:
            return bool(stats.norm.sf(stats.norm.ppf((1 + LEVEL) / 2) - shift) >= power)
        return bool(stats.nct.sf(stats.t.ppf((1 + LEVEL) / 2, df), df, shift) >= power)

    reach = stats.norm.ppf((1 + LEVEL) / 2) + stats.norm.ppf(power)
    if abs(d.mean) <= reach * math.sqrt(image_variance):
        return None
    low, high = 1, 2  # low is not enough
    while not enough(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def images_needed(d: Difference, power: float = POWER) -> int:
    """Return how many test images, to two digits, a difference of this size takes with many seeds."""
    image_variance = max(d.error**2 - d.seed_error**2, 0.0)
    reach = stats.norm.ppf((1 + LEVEL) / 2) + stats.norm.ppf(power)
    exact = d.num_images * image_variance * (reach / d.mean) ** 2
    unit = 10 ** max(math.floor(math.log10(exact)) - 1, 0)
    return math.ceil(exact / unit) * unit


def in_words(d: Difference, pairs: int) -> str:
    """Say what a difference amounts to.

    Args:
        d: The difference, adjusted.
        pairs: How many pairs the p-value is corrected for.
    """
    what = d.metric.replace('mean_class_', 'mean-class ').replace('_', ' ')
    half = (d.high - d.low) / 2
    correction = f', corrected for {pairs} pairs' if pairs > 1 else ''
    p = 'p < 0.001' if d.p_adjusted < 0.001 else f'p = {d.p_adjusted:.3f}'
    if d.seeds == 1:
        return (
            f'One seed cannot separate {d.a} and {d.b}: they differ by {d.mean:+.2f} ± {half:.2f} points of '
            f'{what} over the images, and how much another training would change is not known'
        )
    if d.separated:
        better, worse = (d.a, d.b) if d.mean > 0 else (d.b, d.a)
        return f'{better} beats {worse} by {abs(d.mean):.2f} ± {half:.2f} points of {what} ({p}{correction})'
    text = (
        f'These runs cannot separate {d.a} and {d.b}: {d.mean:+.2f} ± {half:.2f} points of {what} '
        f'({p}{correction})'
    )
    if d.mean == 0:
        return f'{text}; there is no difference to look for'
    needed = seeds_needed(d)
    if needed is None:
        return (
            f'{text}; no number of seeds would do for a difference of that size, it takes about '
            f'{images_needed(d):,} test images'
        )
    return f'{text}; about {needed:,} seeds would be needed for a difference of that size'
