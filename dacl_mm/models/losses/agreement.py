"""Whether all ranks hold the same numbers, bit for bit."""

from collections import Counter

import torch
from mmengine.dist import all_gather, get_world_size
from torch import Tensor


def bit_sum(values: Tensor) -> Tensor:
    """Sum the bits of a tensor of float32 or float64, taken as integers, by place; int64, ()."""
    bits = values.contiguous().view(torch.int64 if values.element_size() == 8 else torch.int32)
    place = torch.arange(1, bits.numel() + 1, device=bits.device)
    return (bits.flatten() * place).sum()  # wraps around


def differing_ranks(values: Tensor) -> list[int]:
    """Return the ranks whose tensor differs from that of most ranks (of rank 0, where none are most).

    Exchanges one number a rank, and waits for the device.
    """
    if get_world_size() == 1:
        return []
    sums = torch.stack(all_gather(bit_sum(values))).tolist()
    ((most, _),) = Counter(sums).most_common(1)
    return [rank for rank, value in enumerate(sums) if value != most]
