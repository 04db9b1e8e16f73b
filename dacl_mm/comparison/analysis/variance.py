"""How much of a difference's variance comes from the seeds, and how much from the images."""

from typing import NamedTuple

import numpy as np

from .strata import rates


class Parts(NamedTuple):
    """A paired difference and the variance of its mean over seeds, in points (percent).

    Attributes:
        by_seed: The difference of each seed, (..., S).
        seeds: Variance that more seeds make smaller, the noise of single predictions
            included, (...).
        images: Variance that only more test images make smaller, (...).
    """

    by_seed: np.ndarray
    seeds: np.ndarray
    images: np.ndarray


def variance_parts(difference: np.ndarray, stratum: np.ndarray) -> Parts:
    """Split the variance of a mean over S seeds and N images, which are crossed.

    What a prediction adds is an effect of its seed, one of its image and noise of its
    own, and the mean has the variance ``seed / S + image / N + noise / (S N)``. The
    values of the seeds show the first and the last term, the means of the images the
    last two. The noise is known well (two-way analysis of variance) and counts once,
    with the seeds. Their part is never less than the noise alone: few seeds often agree
    by chance, to the image.

    One seed says nothing of the seeds' part, and its noise counts with the images.

    Args:
        difference: Correct by A minus correct by B, of -1, 0, 1, (..., S, N).
        stratum: Of each image (see :func:`.strata.strata`), (N,).
    """
    num_seeds = difference.shape[-2]
    num_strata = stratum.max() + 1
    of_means = of_singles = np.zeros(difference.shape[:-2])
    for k in range(num_strata):
        inside = difference[..., stratum == k]  # (..., S, n)
        of_means = of_means + _mean_variance(inside.mean(-2)) / num_strata**2
        of_singles = of_singles + _mean_variance(inside).mean(-1) / num_strata**2
    by_seed = 100 * rates(difference, stratum).mean(-1)
    of_means, of_singles = 100**2 * of_means, 100**2 * of_singles
    if num_seeds == 1:
        return Parts(by_seed, np.zeros_like(of_means), of_means)
    noise = (of_singles - of_means) / (num_seeds - 1)
    seeds = by_seed.var(-1, ddof=1) / num_seeds
    return Parts(by_seed, np.maximum(seeds, noise), np.maximum(of_means - noise, 0))


def _mean_variance(values: np.ndarray) -> np.ndarray:
    """Estimate the variance of a mean, (..., n) to (...); a single value may vary by all of [-1, 1]."""
    n = values.shape[-1]
    return values.var(-1) / (n - 1) if n > 1 else np.ones(values.shape[:-1])
