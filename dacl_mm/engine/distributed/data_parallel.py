"""Data parallelism whose gradients are those of one process."""

from typing import Any

import torch
from mmengine.dist import all_reduce, get_world_size
from mmengine.model import MMDistributedDataParallel
from mmengine.registry import MODEL_WRAPPERS
from torch import Tensor, nn


@MODEL_WRAPPERS.register_module()  # mmengine looks in its own registry alone
class GlobalBatchDataParallel(MMDistributedDataParallel):
    """mmengine's DDP wrapper, with the mean over the samples of all ranks.

    A loss is the mean over the N_r samples of its rank, and DDP takes the plain mean of the R ranks'
    gradients. Where ranks have batches of different sizes (the last one of an epoch without
    ``drop_last``) that is not the mean over all samples; N_r R / sum_r N_r, which is exactly 1 for equal
    ones, times each rank's gradient makes it so. The losses that are logged stay the rank's own.

    Args:
        module: The model.
        channels_last: Lay weights out in memory as (N, H, W, C) before DDP makes its buckets, which
            would not fit what a hook lays out afterwards.
        **kwargs: Those of :class:`mmengine.model.MMDistributedDataParallel`.
    """

    def __init__(self, module: nn.Module, channels_last: bool = False, **kwargs: Any) -> None:
        if channels_last:
            module.to(memory_format=torch.channels_last)
        super().__init__(module, **kwargs)

    def _run_forward(self, data: Any, mode: str) -> Any:
        losses = super()._run_forward(data, mode)
        if mode == 'loss':
            share = batch_share(len(data['inputs']), next(self.parameters()).device)
            for value in losses.values():
                for loss in value if isinstance(value, list | tuple) else [value]:
                    if isinstance(loss, Tensor) and loss.requires_grad:
                        weigh_gradient(loss, share)
        return losses


def weigh_gradient(loss: Tensor, share: Tensor) -> None:
    """Multiply the gradient of a loss, () each, and leave its value."""

    def weighed(gradient: Tensor) -> Tensor:
        return gradient * share.to(gradient.dtype)

    loss.register_hook(weighed)  # type: ignore[no-untyped-call]


def batch_share(count: int, device: torch.device) -> Tensor:
    """Return ``N_r R / sum_r N_r`` in float64, (), without waiting for the device.

    Args:
        count: N_r, samples of this rank's batch.
        device: Where the gradients are.
    """
    total = torch.full((), count, dtype=torch.float64, device=device)
    all_reduce(total)
    share: Tensor = count * get_world_size() / total
    return share
