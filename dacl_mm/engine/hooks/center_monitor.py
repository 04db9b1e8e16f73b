"""What attention and centres do during training."""

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS
from torch import Tensor

from dacl_mm.errors import UserError
from dacl_mm.models.losses.center_loss import CenterBatch, SparseCenterLoss, center_losses


def attention_statistics(attention: Tensor) -> dict[str, Tensor]:
    """Mean, spread (standard deviation) and share above 0.5 of A, (N, d)."""
    return {
        'attention/mean': attention.mean(),
        'attention/spread': attention.std(),
        'attention/share_above_half': (attention > 0.5).float().mean(),
    }


def distance_statistics(batch: CenterBatch, centers: Tensor) -> dict[str, Tensor]:
    """Euclidean distances: sample to own centre, centre to centre, and their ratio."""
    own = (batch.embedding - centers[batch.label]).norm(dim=1).mean()
    between = torch.pdist(centers).mean() if len(centers) > 1 else centers.new_tensor(0.0)
    return {
        'center/intra_distance': own,
        'center/inter_distance': between,
        'center/intra_inter_ratio': own / between.clamp_min(1e-12),
    }


@HOOKS.register_module()
class CenterMonitorHook(Hook):
    """Log attention and centre statistics as ``train/attention/*``, ``train/center/*``.

    They go to mmengine's message hub, hence to every visualizer backend.
    ``attention/mean_shift`` is the mean over dimensions of |mean A now - mean A in
    the first interval|, both means over all samples of an interval, so that
    the noise of one batch does not look like movement. An epoch shorter than the
    interval is recorded at its end.

    Args:
        interval: Iterations between two records. Only then are values moved
            off the device.
    """

    # After the centre update, before LoggerHook reads the message hub.
    priority = 'NORMAL'

    def __init__(self, interval: int = 50) -> None:
        if interval < 1:
            raise UserError(f'interval must be at least 1, got {interval}')
        self.interval = interval
        self._sum: Tensor | None = None
        self._count = 0

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        losses = center_losses(runner.model)
        if not losses or losses[0].last_batch is None:
            return
        attention = losses[0].last_batch.attention
        if attention is not None:
            mean = attention.mean(0)  # (d,)
            self._sum = mean if self._sum is None else self._sum + mean
            self._count += 1
        if self.every_n_train_iters(runner, self.interval) or self._ends_short_epoch(runner, batch_idx):
            self._record(runner, losses[0])

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        checkpoint['center_monitor'] = dict(sum=self._sum, count=self._count)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner.cfg.get('resume') and 'center_monitor' in checkpoint:  # older ones lack it
            self._sum, self._count = (checkpoint['center_monitor'][key] for key in ('sum', 'count'))

    def _ends_short_epoch(self, runner: Runner, batch_idx: int) -> bool:
        length = len(runner.train_dataloader)
        return (
            length < self.interval
            and batch_idx + 1 == length
            and isinstance(runner.train_loop, EpochBasedTrainLoop)
        )

    @torch.no_grad()
    def _record(self, runner: Runner, loss: SparseCenterLoss) -> None:
        assert loss.last_batch is not None
        values = distance_statistics(loss.last_batch, loss.centers)
        if loss.update_norm is not None:
            values['center/update_norm'] = loss.update_norm
        if self._sum is not None and loss.last_batch.attention is not None:
            values |= attention_statistics(loss.last_batch.attention)
            values['attention/mean_shift'] = self._mean_shift(runner)
        names = list(values)
        for name, value in zip(names, torch.stack([values[n].float() for n in names]).tolist()):
            runner.message_hub.update_scalar(f'train/{name}', value)

    def _mean_shift(self, runner: Runner) -> Tensor:
        assert self._sum is not None
        mean = self._sum / self._count
        self._sum, self._count = None, 0
        hub = runner.message_hub
        start = hub.get_info('attention_start')  # kept in checkpoints, so resuming continues it
        if start is None:
            hub.update_info('attention_start', mean.tolist())
            return mean.new_tensor(0.0)
        return (mean - mean.new_tensor(start)).abs().mean()
