"""Near-duplicates by perceptual hash."""

from __future__ import annotations

import numpy as np
import scipy  # which loads its parts when they are used

from dacl_mm.errors import UserError

# On FER2013 (32,140 faces), pairs at distance <= 14 of 256 bits are the same
# photograph; the first pairs of different people come at 16.
MAX_DISTANCE = 14
BANDS = 16  # two hashes that differ in fewer bits than bands agree in a whole band


def near_pairs(
    hashes: np.ndarray, max_distance: int = MAX_DISTANCE, part: np.ndarray | None = None
) -> np.ndarray:
    """Link the hashes within a Hamming distance.

    Exact: by the pigeonhole principle such hashes agree in one of 16 bands of 16
    bits, so only those that share a band are compared. Equal hashes are compared
    once: each of their owners is linked to the first owner of every near hash, and
    of its own, in each part. All pairs of n identical images would be n * n / 2.

    Args:
        hashes: (N, 32), uint8: 256 bits each.
        max_distance: In bits, below 16.
        part: Part of each, integers, (N,); None for one part.

    Returns:
        Indices (M, 2), first below second, sorted.

    Raises:
        UserError: If ``max_distance`` is out of range.
    """
    if not 0 <= max_distance < BANDS:
        raise UserError(f'max_distance must lie in [0, {BANDS - 1}], got {max_distance}')
    count = len(hashes)
    part = np.zeros(count, np.int64) if part is None else part
    rows = np.ascontiguousarray(hashes).view('V32').ravel()
    _, place, owner = np.unique(rows, return_index=True, return_inverse=True)
    a, b = _near_unique(hashes[place], max_distance).T
    same = np.arange(len(place))
    near = _links((np.concatenate([a, b, same]), np.concatenate([b, a, same])), (len(place), len(place)))
    _, first = np.unique(owner * (part.max(initial=0) + 1) + part, return_index=True)
    owns = _links((np.arange(count), owner), (count, len(place)))
    firsts = _links((owner[first], first), (len(place), count))
    found = np.stack((owns @ near @ firsts).nonzero(), 1)
    return np.unique(np.sort(found[found[:, 0] != found[:, 1]], axis=1), axis=0)


def _links(pairs: tuple[np.ndarray, np.ndarray], shape: tuple[int, int]) -> scipy.sparse.csr_array:
    """Return the matrix that is true at pairs of indices."""
    return scipy.sparse.csr_array((np.ones(len(pairs[0]), bool), pairs), shape=shape)


def _near_unique(hashes: np.ndarray, max_distance: int) -> np.ndarray:
    """Return all pairs (M, 2) of different hashes within a distance."""
    bands = np.ascontiguousarray(hashes).view(np.uint16)  # (N, 16)
    words = np.ascontiguousarray(hashes).view(np.uint64)  # (N, 4)
    found = [np.zeros((0, 2), np.int64)]
    for band in bands.T:
        order = np.argsort(band, kind='stable')
        shift = 1
        alive = np.arange(len(order) - 1)
        while len(alive := alive[alive < len(order) - shift]):
            a, b = order[alive], order[alive + shift]
            same = band[a] == band[b]
            alive, a, b = alive[same], a[same], b[same]
            distance = np.bitwise_count(words[a] ^ words[b]).sum(1)
            near = distance <= max_distance
            found.append(np.sort(np.stack([a[near], b[near]], 1), axis=1))
            shift += 1
    return np.unique(np.concatenate(found), axis=0)


def groups(count: int, pairs: np.ndarray) -> np.ndarray:
    """Number the connected groups of pairs: (N,), the smallest member's index."""
    ones = np.ones(len(pairs), bool)
    graph = scipy.sparse.coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    _, component = scipy.sparse.csgraph.connected_components(graph, directed=False)
    first = np.full(component.max(initial=-1) + 1, count)
    np.minimum.at(first, component, np.arange(count))
    return np.asarray(first[component])


def duplicate_groups(facts: np.ndarray) -> np.ndarray:
    """Return the index of each image's first near-duplicate (or itself), (N,).

    Args:
        facts: Structured array of :data:`dacl_mm.datasets.scan.facts.FACTS`, (N,).
    """
    readable = np.flatnonzero(facts['error'] == b'')
    return groups(len(facts), readable[near_pairs(facts['perceptual'][readable])])
