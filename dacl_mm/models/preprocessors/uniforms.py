"""Random numbers that depend on a sample's draw alone: counter-based, so that batches do not matter."""

import torch
from torch import Tensor

# SplitMix64's increment and multipliers, as signed 64-bit integers: arithmetic is modulo 2**64.
GAMMA = 0x9E3779B97F4A7C15 - 2**64
FIRST = 0xBF58476D1CE4E5B9 - 2**64
SECOND = 0x94D049BB133111EB - 2**64


def draw_keys(draws: Tensor) -> Tensor:
    """Hash draws to one word each.

    Args:
        draws: Seed, epoch, sample and repeat, int64, (N, 4).

    Returns:
        Keys for :func:`uniforms`, int64, (N,).
    """
    keys = torch.zeros_like(draws[:, 0])
    for word in draws.unbind(1):
        keys = _mix(keys + GAMMA + word)
    return keys


def uniforms(keys: Tensor, stream: int, count: int) -> Tensor:
    """Return ``count`` numbers of a stream for each sample: the same on every device.

    SplitMix64 (Steele, Lea & Flood, "Fast splittable pseudorandom number generators",
    OOPSLA 2014), started where the hash of sample and stream says.

    Args:
        keys: Those of :func:`draw_keys`, int64, (N,).
        stream: Which stream, from 0; streams share nothing.
        count: Numbers of each sample. Fewer are the first of more.

    Returns:
        Multiples of 2**-24 in [0, 1), float32, (N, count).
    """
    start = _mix(keys + GAMMA + stream)[:, None]
    steps = torch.arange(1, count + 1, device=keys.device) * GAMMA
    return _shifted(_mix(start + steps), 40).float() * 2.0**-24


def _mix(z: Tensor) -> Tensor:
    """SplitMix64's output function: a bijection of 64-bit words."""
    z = (z ^ _shifted(z, 30)) * FIRST
    z = (z ^ _shifted(z, 27)) * SECOND
    return z ^ _shifted(z, 31)


def _shifted(z: Tensor, bits: int) -> Tensor:
    """Shift right, filling up with zeros; torch's own shift repeats the sign."""
    return (z >> bits) & (2 ** (64 - bits) - 1)
