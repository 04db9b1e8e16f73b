"""How far a run is, for who watches it."""

import time
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.comparison.plan.records import write_json
from dacl_mm.comparison.plan.runs import PROGRESS_FILE
from dacl_mm.config import selection_metric


@HOOKS.register_module()
class ProgressHook(Hook):
    """Keep ``progress.json`` in the work dir.

    Keys: ``phase`` ('train', 'val' or 'test'), ``epoch`` (from 1), ``iter``,
    ``max_iters``, ``seconds_per_iter`` (of this process, validation included) and
    ``metric``, the one that selects the epoch, with its ``value`` in the last validation.

    Args:
        seconds: Least time between two writes.
    """

    priority = 'LOW'

    def __init__(self, seconds: float = 1.0):
        self.seconds = seconds
        self._written = 0.0
        self._value: float | None = None

    def before_train(self, runner: Runner) -> None:
        self._begin, self._first = time.monotonic(), runner.iter
        self._write(runner, 'train')

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self._write(runner, 'train', runner.iter + 1)

    def before_val_epoch(self, runner: Runner) -> None:
        self._write(runner, 'val')

    def after_val_epoch(self, runner: Runner, metrics: dict[str, float] | None = None) -> None:
        self._value = (metrics or {}).get(selection_metric(runner.cfg))

    def _write(self, runner: Runner, phase: str, done: int | None = None) -> None:
        now = time.monotonic()
        if not is_main_process() or (phase == 'train' and now - self._written < self.seconds):
            return
        self._written = now
        done = runner.iter if done is None else done
        steps = done - self._first
        state = dict(
            phase=phase,
            epoch=runner.epoch + (phase == 'train'),
            iter=done,
            max_iters=runner.max_iters,
            seconds_per_iter=(now - self._begin) / steps if steps else None,
            metric=selection_metric(runner.cfg),
            value=self._value,
        )
        write_json(state, Path(runner.work_dir) / PROGRESS_FILE)
