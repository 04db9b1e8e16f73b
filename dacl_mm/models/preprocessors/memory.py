"""Memory of batches, used again."""

import weakref
from math import prod

import numpy as np
import torch
from torch import Tensor


class BatchMemory:
    """Hands out memory of the host for a batch, that of an earlier batch where nobody holds it.

    A C library gives blocks of a batch's size back to the system, and the first touch of each new
    page costs more than what is computed for it. GPUs need none of this: torch caches their memory.
    """

    def __init__(self) -> None:
        self._free: list[np.ndarray] = []

    def empty(self, *shape: int) -> Tensor:
        """Return an uninitialised tensor of float32, contiguous."""
        size = prod(shape)
        while self._free:
            block = self._free.pop()
            if block.size >= size:
                break
        else:
            block = torch.empty(size).numpy()  # aligned as torch does it
        lease = block[:size]  # an object that ends with the tensor's memory, views of it included
        weakref.finalize(lease, self._free.append, block)
        return torch.from_numpy(lease).view(shape)


HOST = BatchMemory()
