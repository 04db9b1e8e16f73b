"""What can be said of the attention of N images, A (N, d), in plain numbers; NaN where A never varies."""

from itertools import combinations
from typing import Any

import numpy as np


def input_share(attention: np.ndarray) -> float:
    """Return the share of A's variance that lies between images within a dimension, in [0, 1].

    The rest is a fixed weight of each dimension.
    """
    return float(attention.var(0).mean() / max(attention.var(), 1e-12))


def view_correlations(views: np.ndarray) -> dict[str, float]:
    """Compare views of one image with those of others.

    Args:
        views: A of V augmented views of each image, (V, N, d).

    Returns:
        Mean Pearson correlations over the dimensions between two views of the ``same_image`` and of
        ``other_images``, each dimension's mean over everything taken away first; and ``image_share``, the
        part of the variance within a dimension that lies between images and not between their views.
    """
    centered = views - views.mean((0, 1))
    total, within = (centered**2).mean(), views.var(0).mean()
    rows = centered - centered.mean(2, keepdims=True)
    length = np.linalg.norm(rows, axis=2, keepdims=True)
    if total <= 1e-12 or (length == 0).any():
        return dict(same_image=np.nan, other_images=np.nan, image_share=np.nan)
    rows = rows / length
    same, other = [], []
    count = views.shape[1]
    for a, b in combinations(range(len(views)), 2):
        products = rows[a] @ rows[b].T  # (N, N)
        diagonal = products.trace()
        same.append(diagonal / count)
        other.append((products.sum() - diagonal) / (count * (count - 1)))
    return dict(
        same_image=float(np.mean(same)),
        other_images=float(np.mean(other)),
        image_share=float(1 - within / total),
    )


def dimensions(attention: np.ndarray, most: int = 10) -> dict[str, Any]:
    """Return which dimensions vary between images.

    Returns:
        ``effective``, (sum v)^2 / sum v^2 of the variances v: how many equal ones would vary as they do;
        ``half``, how many hold half of the variance; and of the first ones their ``index`` and ``share``.
    """
    variance = attention.var(0)
    total = variance.sum()
    if total <= 1e-12:
        return dict(effective=np.nan, half=np.nan, index=[], share=[])
    order = np.argsort(-variance, kind='stable')
    share = variance[order] / total
    return dict(
        effective=float(total**2 / (variance**2).sum()),
        half=int(np.searchsorted(share.cumsum(), 0.5) + 1),
        index=order[:most].tolist(),
        share=share[:most].tolist(),
    )


def class_dependence(
    attention: np.ndarray, label: np.ndarray, permutations: int = 999, seed: int = 0
) -> dict[str, float]:
    """Return how much of A's variance between images lies between the classes' means.

    Args:
        attention: A, (N, d).
        label: (N,).
        permutations: Random orders of the labels, under which the class would mean nothing.
        seed: Of them.

    Returns:
        ``share``, squares between classes over all squares; its mean under permutation, ``by_chance``; and
        ``p``, (1 + permutations with at least that share) / (1 + permutations).
    """
    centered = attention - attention.mean(0)
    total = (centered**2).sum()
    _, which = np.unique(label, return_inverse=True)
    if total <= 1e-12 * attention.size:
        return dict(share=np.nan, by_chance=np.nan, p=np.nan)
    member = np.eye(which.max() + 1)[which]  # (N, K)
    count = member.sum(0)[:, None]

    def share(member: np.ndarray) -> float:
        return float(((member.T @ centered) ** 2 / count).sum() / total)

    rng = np.random.default_rng(seed)
    observed, chance = share(member), np.array([share(rng.permutation(member)) for _ in range(permutations)])
    p = (1 + (chance >= observed - 1e-12).sum()) / (1 + permutations)
    return dict(share=observed, by_chance=float(chance.mean()), p=float(p))


def distance_between_images(attention: np.ndarray) -> float:
    """Return the mean of |A_nj - A_mj| over all pairs of images and all dimensions."""
    count = len(attention)
    weight = 2 * np.arange(1, count + 1) - count - 1
    pairs = count * (count - 1) / 2
    return float((weight @ np.sort(attention, 0)).mean() / pairs)


def movement(attention: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """Return how far covering a part of each image moved its A, (N,).

    The mean of |change| over the dimensions, in units of :func:`distance_between_images`: 1 is as far as
    to another image.

    Args:
        attention: A, (N, d).
        covered: A of the same images with that part covered, (N, d).
    """
    unit = distance_between_images(attention)
    return np.asarray(np.abs(covered - attention).mean(1) / (unit if unit > 1e-9 else np.nan))


def against_control(moved: np.ndarray, control: np.ndarray) -> dict[str, float]:
    """Compare what covering a part moves with what covering the control area moves, image by image.

    Returns:
        ``mean``, ``control`` (means), ``more``, the share of images that the part moves more, and ``p`` of
        Wilcoxon's signed-rank test that it moves more.
    """
    from scipy.stats import wilcoxon  # here, since it takes long to import

    difference = moved - control
    p = wilcoxon(difference, alternative='greater').pvalue if (difference != 0).any() else 1.0
    finite = bool(np.isfinite(difference).all())
    return dict(
        mean=float(moved.mean()),
        control=float(control.mean()),
        more=float((difference > 0).mean()) if finite else np.nan,
        p=float(p) if finite else np.nan,
    )
