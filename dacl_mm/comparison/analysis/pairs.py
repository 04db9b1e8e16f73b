"""Whether two methods differ.

Runs are paired: a seed gives every method the same start and the same images. Two
things are random, the seed and which images are in the test split.

References:
    [0] Dietterich, Approximate Statistical Tests for Comparing Supervised
        Classification Learning Algorithms, Neural Computation 1998 (McNemar's test).
    [1] Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks,
        MLSys 2021 (seeds and data as sources of variance).
    [2] Vovk & Wang, Combining p-values via averaging, Biometrika 2020.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from .intervals import LEVEL, half_width, p_value
from .strata import strata
from .variance import variance_parts


@dataclass(frozen=True)
class Difference:
    """A minus B in one metric, in points.

    Attributes:
        a: One method.
        b: The other.
        metric: One of :data:`~dacl_mm.comparison.analysis.strata.METRICS`.
        seeds: How many both have.
        mean: Over seeds.
        low: Lower end of the 95 % interval, not corrected for several tests.
        high: Upper end.
        seed_error: Standard error that more seeds make smaller; 0 for one seed.
        image_error: Standard error that only more test images make smaller.
        p: Two-sided, of this pair alone.
        p_adjusted: Holm's, over ``tests`` pairs and metrics.
        mcnemar: P-value of each seed's exact McNemar test.
        mcnemar_combined: Of all seeds.
        num_images: Of the test split.
        tests: How many differences were tested with this one, itself included.
    """

    a: str
    b: str
    metric: str
    seeds: int
    mean: float
    low: float
    high: float
    seed_error: float
    image_error: float
    p: float
    p_adjusted: float
    mcnemar: tuple[float, ...]
    mcnemar_combined: float
    num_images: int
    tests: int = 1

    @property
    def separated(self) -> bool:
        """Whether the pair differs at 5 % after the correction, with more than one seed."""
        return self.seeds > 1 and self.p_adjusted < 1 - LEVEL


def compare_pair(
    names: tuple[str, str], correct: tuple[np.ndarray, np.ndarray], label: np.ndarray, metric: str
) -> Difference:
    """Compare two methods over their common seeds.

    Args:
        names: A and B.
        correct: Whether each image was right, (S, N) each, the seeds in one order.
        label: (N,).
        metric: One of :data:`~dacl_mm.comparison.analysis.strata.METRICS`.
    """
    a, b = correct
    parts = variance_parts(a.astype(np.float64) - b, strata(label, metric))
    seeds, mean = len(a), float(parts.by_seed.mean())
    seed_variance, image_variance = float(parts.seeds), float(parts.images)
    half = float(half_width(seed_variance, image_variance, seeds))
    p = p_value(mean, seed_variance, image_variance, seeds)
    by_seed = tuple(mcnemar_test(x, y) for x, y in zip(a, b, strict=True))
    return Difference(
        a=names[0],
        b=names[1],
        metric=metric,
        seeds=seeds,
        mean=mean,
        low=mean - half,
        high=mean + half,
        seed_error=math.sqrt(seed_variance),
        image_error=math.sqrt(image_variance),
        p=p,
        p_adjusted=p,
        mcnemar=by_seed,
        mcnemar_combined=combine(by_seed),
        num_images=len(label),
    )


def adjust(differences: Sequence[Difference]) -> list[Difference]:
    """Correct the p-values of everything that is tested together by Holm's method."""
    if not differences:
        return []
    adjusted = multipletests([d.p for d in differences], method='holm')[1]
    return [
        replace(d, p_adjusted=float(p), tests=len(differences))
        for d, p in zip(differences, adjusted, strict=True)
    ]


def mcnemar_test(a: np.ndarray, b: np.ndarray) -> float:
    """P-value of the exact McNemar test [0] on one seed's predictions.

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
