"""Intervals and p-values of a mean over few seeds and many images.

References:
    [0] Banerjee, Approximate confidence interval for linear functions of means of k
        populations when the population variances are not equal, Sankhya 1960.
    [1] Zou & Donner, Construction of confidence limits about effect measures: a general
        approach, Statistics in Medicine 2008.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special
from scipy.optimize import brentq
from statsmodels.stats.proportion import proportion_confint

LEVEL = 0.95
#: The normal quantile beyond which a p-value is 0 (under 1e-32).
LARGEST_Z = 12.0


class Interval(NamedTuple):
    """A 95 % interval in percent; ``clipped`` says that it reached over 0 or 100 %."""

    low: float
    high: float
    clipped: bool


def half_width(
    seed_variance: ArrayLike, image_variance: ArrayLike, seeds: int, alpha: float = 1 - LEVEL
) -> np.ndarray:
    """Return half the width of the interval of a mean over seeds and images.

    Each part has its own quantile, and their squares add up: Student's t with S - 1
    degrees of freedom for what S seeds show, the normal one for what many images show.
    Such an interval covers with at least its nominal probability whatever the two
    variances are [0].

    Args:
        seed_variance: Of the mean, estimated from S values; 0 for one seed.
        image_variance: Of the mean, estimated from many images.
        seeds: S.
        alpha: Two-sided level.
    """
    squared = _half_width_squared(special.ndtri(alpha / 2), seed_variance, image_variance, seeds)
    return np.asarray(np.sqrt(squared))


def _half_width_squared(
    z: float, seed_variance: ArrayLike, image_variance: ArrayLike, seeds: int
) -> np.ndarray:
    t = special.stdtrit(seeds - 1, special.ndtr(z)) if seeds > 1 else 0.0
    return np.asarray(t**2 * np.asarray(seed_variance) + z**2 * np.asarray(image_variance))


def p_value(mean: float, seed_variance: float, image_variance: float, seeds: int) -> float:
    """Return the two-sided level at which :func:`half_width` is the distance of the mean to 0."""

    def excess(z: float) -> float:
        return float(_half_width_squared(-z, seed_variance, image_variance, seeds)) - mean**2

    if mean == 0:
        return 1.0
    if excess(LARGEST_Z) < 0:
        return 0.0
    return float(2 * special.ndtr(-brentq(excess, 0, LARGEST_Z, xtol=1e-12)))


def method_interval(rate: np.ndarray, size: np.ndarray) -> Interval:
    """Return the 95 % interval of a method's accuracy or mean-class accuracy.

    Over the images it is Wilson's in each stratum, put together by the distances of the
    ends [1], as if every seed erred on the same images; over the seeds it is Student's
    t. The two add up as in :func:`half_width`. One seed has the images' part alone: it
    says what another test split would give, and nothing about another training.

    Args:
        rate: Share of right predictions in each stratum, (S, K).
        size: Test images of each stratum, (K,).
    """
    seeds, num_strata = rate.shape
    mean = rate.mean(0)  # (K,)
    ends = proportion_confint(mean * size, size, 1 - LEVEL, method='wilson')
    by_image = [np.linalg.norm(end - mean) / num_strata for end in ends]
    by_seed = half_width(rate.mean(1).var(ddof=1) / seeds, 0, seeds) if seeds > 1 else 0.0
    below, above = (100 * float(np.hypot(by_seed, part)) for part in by_image)
    center = 100 * float(mean.mean())
    low, high = center - below, center + above
    return Interval(max(low, 0.0), min(high, 100.0), low < -1e-9 or high > 100 + 1e-9)
