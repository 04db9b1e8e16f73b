"""What the centre update of a running optimizer step is made of."""

import torch
from mmengine.dist import all_reduce
from mmengine.logging import print_log
from torch import Tensor

#: Batches without an update after which somebody must have forgotten it; no accumulation is that long.
PATIENCE = 100


def center_step_sums(
    embedding: Tensor, centers: Tensor, label: Tensor, attention: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Per-class numerators and counts of the centre update of one batch.

    Args:
        embedding: x, (N, d).
        centers: c, (K, d).
        label: y in [0, K), (N,).
        attention: A in [0, 1], (N, d). None stands for A = 1.

    Returns:
        ``sum_{i: y_i = k} A_i (c_k - x_i)``, (K, d), and the class counts
        n_k, (K,).
    """
    gap = centers[label] - embedding  # (N, d)
    if attention is not None:
        gap = attention * gap
    sums = torch.zeros_like(centers).index_add_(0, label, gap)
    counts = centers.new_zeros(len(centers)).index_add_(0, label, centers.new_ones(len(label)))
    return sums, counts


class CenterSums:
    """Adds up the batches of an optimizer step.

    No buffers on purpose: DDP with ``broadcast_buffers=True`` would overwrite those
    of every other rank by rank 0's between two micro-batches. The tensors lie where
    the batches do.

    Attributes:
        total: Sums, (K, d), and counts, (K,), of the running step. None before its first batch.
    """

    def __init__(self) -> None:
        self.total: tuple[Tensor, Tensor] | None = None
        self._batches = 0

    def add(self, sums: Tensor, counts: Tensor) -> None:
        """Add a batch: (K, d) and (K,).

        Warns, once, when :data:`PATIENCE` batches came without :meth:`take`.
        """
        if self.total is None:
            self.total = sums, counts
        else:
            self.total = self.total[0] + sums, self.total[1] + counts
        self._batches += 1
        if self._batches == PATIENCE:
            print_log(
                f'the class centres have not moved for {PATIENCE} batches: nothing calls update_centers. '
                "Add dict(type='CenterUpdateHook') to custom_hooks",
                logger='current',
                level=30,
            )

    def take(self, centers: Tensor) -> tuple[Tensor, Tensor]:
        """Return the sums, (K, d), and counts, (K,), over all ranks, and start anew."""
        sums, counts = self.total or (torch.zeros_like(centers), centers.new_zeros(len(centers)))
        self.total, self._batches = None, 0
        all_reduce(sums)
        all_reduce(counts)
        return sums, counts
