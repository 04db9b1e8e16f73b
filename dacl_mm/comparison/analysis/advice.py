"""What a difference amounts to, in words, and what it would take to find it."""

import math

import numpy as np
from scipy import stats

from .intervals import LEVEL, half_width
from .pairs import Difference

POWER = 0.8


def _alpha(d: Difference) -> float:
    """Level of one test of several (Bonferroni): what Holm's method asks of the first of them."""
    return (1 - LEVEL) / d.tests


def _power(d: Difference, seeds: int) -> float:
    """Chance that so many seeds separate the pair, if ``d`` is the truth."""
    seed_variance = d.seed_error**2 * d.seeds / seeds
    grid = (np.arange(1000) + 0.5) / 1000
    estimated = seed_variance * stats.chi2.ppf(grid, seeds - 1) / (seeds - 1)
    half = half_width(estimated, d.image_error**2, seeds, _alpha(d))
    return float(stats.norm.sf((half - abs(d.mean)) / math.sqrt(seed_variance + d.image_error**2)).mean())


def _reach(d: Difference) -> float:
    """How many standard errors a difference must have to be found, where errors are known."""
    return float(stats.norm.isf(_alpha(d) / 2) + stats.norm.ppf(POWER))


def seeds_needed(d: Difference) -> int | None:
    """Return with how many seeds a difference of this size would be found with 80 % power.

    At the corrected level of the verdict, so that a pair which is not separated always
    takes more seeds than it has.

    Returns:
        None where no number suffices, because the test split is too small; and for one
        seed or no difference.
    """
    if d.mean == 0 or d.seeds < 2 or abs(d.mean) <= _reach(d) * d.image_error:
        return None
    low, high = 1, 2  # low is not enough
    while _power(d, high) < POWER:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(d, middle) >= POWER else (middle, high)
    return high


def images_needed(d: Difference) -> int:
    """Return how many test images, to two digits, a difference of this size takes with many seeds."""
    exact = d.num_images * (_reach(d) * d.image_error / d.mean) ** 2
    unit = 10 ** max(math.floor(math.log10(exact)) - 1, 0)
    return int(math.ceil(exact / unit) * unit)


def in_words(d: Difference) -> str:
    """Say what a difference amounts to."""
    what = d.metric.replace('mean_class_', 'mean-class ').replace('_', ' ')
    half = (d.high - d.low) / 2
    correction = f', corrected for {d.tests} comparisons' if d.tests > 1 else ''
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
