"""How many images make an optimizer step, over all processes."""

from typing import NamedTuple

from mmengine.runner import IterBasedTrainLoop, Runner


class GlobalBatch(NamedTuple):
    """What one optimizer step is made of; no field changes a result as long as the product stays."""

    batch_size: int
    processes: int
    accumulative_counts: int

    @property
    def images(self) -> int:
        """Images of a step."""
        return self.batch_size * self.processes * self.accumulative_counts

    def __str__(self) -> str:
        return (
            f'{self.images} images (batch_size {self.batch_size} x {self.processes} processes x '
            f'accumulative_counts {self.accumulative_counts})'
        )


def global_batch(runner: Runner) -> GlobalBatch | None:
    """Return that of a runner, or None where batches have no fixed size."""
    batch_size = runner.train_dataloader.batch_size
    if batch_size is None:
        return None
    counts = getattr(runner.optim_wrapper, '_accumulative_counts', 1)  # mmengine tells it nowhere else
    return GlobalBatch(batch_size, runner.world_size, counts)


def counts_iterations(runner: Runner) -> bool:
    """Return whether the end of the training, or a schedule, is told in iterations, not in epochs."""
    schedulers = runner.param_schedulers or []
    if isinstance(schedulers, dict):  # those of several optimizers
        schedulers = [scheduler for its in schedulers.values() for scheduler in its]
    by_iteration = any(not scheduler.by_epoch for scheduler in schedulers)
    return by_iteration or isinstance(runner.train_loop, IterBasedTrainLoop)
