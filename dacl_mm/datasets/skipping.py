"""Loaders that begin inside an epoch."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

from torch.utils.data import BatchSampler, DataLoader, Sampler

from dacl_mm.errors import UserError


class _Rest(Sampler[Any]):
    """What a sampler yields after its first indices; as long as the whole, which is what an epoch has."""

    def __init__(self, sampler: Any, skipped: int):
        self.sampler = sampler
        self.skipped = skipped

    def __iter__(self) -> Iterator[Any]:
        return islice(self.sampler, self.skipped, None)

    def __len__(self) -> int:
        return len(self.sampler)


@contextmanager
def skipping(loader: DataLoader[Any], batches: int) -> Iterator[None]:
    """Let iterators of a loader that begin inside the context leave out the first batches.

    Their indices are drawn and dropped; no image of theirs is read.

    Args:
        loader: One whose batches a ``BatchSampler`` makes, as torch's are.
        batches: How many.

    Raises:
        UserError: If something else makes the batches.
    """
    if batches == 0:
        yield
        return
    maker: Any = loader.batch_sampler
    if type(maker) is not BatchSampler:
        raise UserError(
            f'training cannot begin inside an epoch of {type(maker).__name__}: resume from an epoch_*.pth'
        )
    whole = maker.sampler
    maker.sampler = _Rest(whole, batches * maker.batch_size)
    try:
        yield
    finally:
        maker.sampler = whole
