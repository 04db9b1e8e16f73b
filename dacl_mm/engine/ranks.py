"""What the processes of a training tell one another, apart from gradients."""

from typing import Any

import torch
from mmengine.dist import get_rank, get_world_size, is_distributed
from mmengine.utils import apply_to
from torch import distributed


class Ranks:
    """The processes of a training, in a group that talks over the host.

    A decision over NCCL would make each process wait for its GPU. Every process has to build it, and to
    make the same calls.
    """

    def __init__(self) -> None:
        self._group: Any = None  # the default one
        if is_distributed() and distributed.get_backend() != 'gloo':
            self._group = distributed.new_group(backend='gloo')

    def any(self, *flags: bool) -> list[bool]:
        """Return for each flag whether some process has set it."""
        if not is_distributed():
            return list(flags)
        votes = torch.tensor(flags, dtype=torch.uint8)
        distributed.all_reduce(votes, distributed.ReduceOp.MAX, group=self._group)
        return [bool(vote) for vote in votes]

    def gather(self, value: Any) -> list[Any]:
        """Return the values of all processes at the first, in their order; an empty list elsewhere."""
        if not is_distributed():
            return [value]
        found: list[Any] = [None] * get_world_size()
        first = get_rank() == 0
        value = apply_to(value, lambda leaf: isinstance(leaf, torch.Tensor), torch.Tensor.cpu)
        distributed.gather_object(value, found if first else None, group=self._group)
        return found if first else []
