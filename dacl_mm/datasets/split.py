"""A validation part carved from the training images."""

import numpy as np


def scramble(values: np.ndarray, seed: int) -> np.ndarray:
    """Map integers to pseudo-random uint64, the same on every machine and numpy version.

    The finaliser of SplitMix64 (Steele et al., OOPSLA 2014), on value and seed.
    """
    with np.errstate(over='ignore'):
        z = values.astype(np.uint64) + np.uint64(seed + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def held_out(
    expression: np.ndarray, fraction: float, seed: int, group: np.ndarray | None = None
) -> np.ndarray:
    """Choose a stratified held-out part that splits no group.

    Of each class ``fraction`` of the images is taken (rounded, at least one
    where the class has two or more). A group counts for the class of its first
    member. Depends on the order of the samples, the groups, the fraction and
    the seed, and on nothing of the machine.

    Args:
        expression: Class of each sample, integers, (N,).
        fraction: Share of each class, in (0, 1).
        seed: Seed of the choice, not negative.
        group: Index of each sample's first near-duplicate, (N,); None where every
            sample stands alone.

    Returns:
        Boolean array (N,), True where held out.
    """
    count = len(expression)
    group = np.arange(count) if group is None else group
    chosen = np.zeros(count, bool)  # by group, at its first member
    size = np.bincount(group, minlength=count)
    for label in np.unique(expression):
        leaders = np.unique(group[expression == label])
        leaders = leaders[expression[leaders] == label]
        leaders = leaders[np.argsort(scramble(leaders, seed), kind='stable')]
        members = np.cumsum(size[leaders])
        total = int(members[-1]) if len(members) else 0
        wanted = max(round(fraction * total), int(total > 1))
        # Whole groups while they fit; one that does not is passed over.
        taken = 0
        for leader in leaders:
            if taken + size[leader] <= wanted:
                chosen[leader] = True
                taken += size[leader]
            if taken == wanted:
                break
    return chosen[group]
