"""A validation part carved from the training images."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np


def held_out(expressions: Sequence[str], fraction: float, seed: int) -> np.ndarray:
    """Choose a stratified held-out part.

    Of each class ``fraction`` is taken (rounded, at least one image where the
    class has two or more). Depends on the order of the samples, the fraction
    and the seed, and on nothing of the machine.

    Args:
        expressions: Class name of each sample, (N,).
        fraction: Share of each class, in (0, 1).
        seed: Seed of the choice.

    Returns:
        Boolean array (N,), True where held out.
    """
    members = defaultdict(list)
    for i, name in enumerate(expressions):
        members[name].append(i)
    chosen = np.zeros(len(expressions), bool)
    for name, indices in members.items():
        # Ranked by hash: numpy's generators may change between versions.
        ranked = sorted(indices, key=lambda i: hashlib.sha256(f'{seed}/{name}/{i}'.encode()).digest())
        count = max(round(fraction * len(indices)), int(len(indices) > 1))
        chosen[ranked[:count]] = True
    return chosen
