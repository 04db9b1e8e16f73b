"""Copies of a checkpoint, which training does not change any more."""

import copy
import mmap
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from mmengine.utils import apply_to
from torch import Tensor

LARGE = 2**20  # bytes, of memory that is worth an address range of its own


class Snapshot:
    """A copy of a checkpoint in host memory, which is kept from one copy to the next.

    It is kept because touching fresh memory takes longer than copying. What lies on a GPU is copied to
    pinned memory, behind the steps under way; only :meth:`wait` waits for that.
    """

    def __init__(self) -> None:
        self._memory: dict[tuple[int, bool], list[Tensor]] = {}  # by size and whether it is pinned
        self._copied: torch.cuda.Event | None = None

    def take(self, checkpoint: dict[str, Any]) -> dict[str, Any]:
        """Copy a checkpoint over the one before.

        Tensors that share memory share it in the copy.

        Returns:
            The copy, complete after :meth:`wait`.
        """
        kept, self._memory = self._memory, defaultdict(list)
        copies: dict[int, Tensor] = {}  # by the address of the storage

        def copied(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                return copy.deepcopy(leaf)
            storage = leaf.untyped_storage()
            if storage.data_ptr() not in copies:
                key = storage.nbytes(), leaf.is_cuda
                memory = kept[key].pop() if kept.get(key) else _allocate(*key)
                self._memory[key].append(memory)
                source = torch.empty(0, dtype=torch.uint8, device=leaf.device).set_(storage)
                copies[storage.data_ptr()] = memory.copy_(source, non_blocking=leaf.is_cuda)
            memory = copies[storage.data_ptr()]
            return torch.empty(0, dtype=leaf.dtype).set_(
                memory.untyped_storage(), leaf.storage_offset(), leaf.size(), leaf.stride()
            )

        twin = mapped(checkpoint, copied)
        if any(pinned for _, pinned in self._memory):
            self._copied = torch.cuda.current_stream().record_event()
        return twin

    def wait(self) -> None:
        """Wait for what is copied from a GPU."""
        if self._copied is not None:
            self._copied.synchronize()


def mapped(checkpoint: dict[str, Any], function: Callable[[Any], Any]) -> dict[str, Any]:
    """Return a checkpoint with the function's values in place of tensors, numbers and texts."""
    twin: dict[str, Any] = apply_to(checkpoint, lambda leaf: True, function)
    if hasattr(checkpoint['state_dict'], '_metadata'):  # which tells module versions
        twin['state_dict']._metadata = checkpoint['state_dict']._metadata
    return twin


def _allocate(size: int, pinned: bool) -> Tensor:
    """Return ``size`` bytes of host memory, uint8."""
    if pinned or size < LARGE:
        return torch.empty(size, dtype=torch.uint8, pin_memory=pinned)
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, 'MADV_DONTFORK'):  # Linux
        # A loader process forked meanwhile would hold on to the copy for as long as it lives.
        memory.madvise(mmap.MADV_DONTFORK)
    return torch.frombuffer(memory, dtype=torch.uint8)
