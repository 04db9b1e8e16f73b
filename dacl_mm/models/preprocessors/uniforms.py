"""Random numbers that depend on a sample's draw alone: counter-based, so that batches do not matter.

They are drawn on the host, for a batch at once, whatever the device that uses them: a few numbers a
sample, for which a GPU would need dozens of launches, and which decide how the work is laid out.
"""

import numpy as np

# SplitMix64's increment and multipliers; arrays of uint64 are computed modulo 2**64.
GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST = np.uint64(0xBF58476D1CE4E5B9)
SECOND = np.uint64(0x94D049BB133111EB)


def draw_keys(draws: np.ndarray) -> np.ndarray:
    """Hash draws to one word each.

    Args:
        draws: Seed, epoch, sample and repeat, uint64, (N, 4).

    Returns:
        Keys for :func:`uniforms`, uint64, (N,).
    """
    keys = np.zeros(len(draws), np.uint64)
    for word in draws.T:
        keys = _mix(keys + GAMMA + word)
    return keys


def uniforms(keys: np.ndarray, stream: int, count: int) -> np.ndarray:
    """Return ``count`` numbers of a stream for each sample.

    SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014), started where the hash of sample and stream says.

    Args:
        keys: Those of :func:`draw_keys`, uint64, (N,).
        stream: Which stream, from 0; streams share nothing.
        count: Numbers of each sample. Fewer are the first of more.

    Returns:
        Multiples of 2**-53 in [0, 1), float64, (N, count).
    """
    start = _mix(keys + GAMMA + np.uint64(stream))[:, None]
    words = _mix(start + np.arange(1, count + 1, dtype=np.uint64) * GAMMA)
    return (words >> np.uint64(11)) * 2.0**-53


def _mix(z: np.ndarray) -> np.ndarray:
    """SplitMix64's output function: a bijection of 64-bit words."""
    z = (z ^ (z >> np.uint64(30))) * FIRST
    z = (z ^ (z >> np.uint64(27))) * SECOND
    mixed: np.ndarray = z ^ (z >> np.uint64(31))
    return mixed
