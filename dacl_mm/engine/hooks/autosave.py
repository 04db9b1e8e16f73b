"""Checkpoints by the clock, and the end that a signal asks for."""

import time
from typing import Any

from mmengine.dist import is_distributed, is_main_process
from mmengine.hooks import Hook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from dacl_mm.engine.loops import ExactEpochLoop, ExactIterLoop
from dacl_mm.engine.ranks import Ranks
from dacl_mm.engine.stop import STOP, Interrupted
from dacl_mm.errors import UserError

from .safe_checkpoint import AtomicCheckpointHook


@HOOKS.register_module()
class AutosaveHook(Hook):
    """Save between the checkpoints of AtomicCheckpointHook, and stop a training that is asked to.

    After so many minutes the training saves ``autosave_*.pth`` at the end of an optimizer step, from which
    it resumes inside the epoch. The next one takes its place, and so does any other checkpoint of the run.

    At SIGTERM or SIGINT (:data:`~dacl_mm.engine.stop.STOP`) it saves likewise, and stops. A validation is
    broken off where the epoch has been saved, and else finished. All processes stop at the same step.

    Args:
        minutes: Time between two; None saves at signals alone.
    """

    # After AtomicCheckpointHook.
    priority = 'LOWEST'

    def __init__(self, minutes: float | None = 10.0) -> None:
        if minutes is not None and minutes < 0:
            raise UserError(f'minutes must not be negative, got {minutes}')
        self.minutes = minutes
        self._active = False

    def before_train(self, runner: Runner) -> None:
        found = [hook for hook in runner.hooks if isinstance(hook, AtomicCheckpointHook)]
        self._active = bool(found) and isinstance(runner.train_loop, ExactEpochLoop | ExactIterLoop)
        if not self._active:
            runner.logger.warning(
                'no checkpoints between epochs, and none at a signal: they need AtomicCheckpointHook and '
                'a loop of this package (train_cfg with by_epoch, without type)'
            )
            return
        (self._checkpoints,) = found
        self._ranks = Ranks()
        self._since = time.monotonic()

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        STOP.heeded = self._active

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        by_epoch = isinstance(runner.train_loop, EpochBasedTrainLoop)
        ends = by_epoch and self.end_of_epoch(runner.train_dataloader, batch_idx)
        if not self._active or ends or not runner.optim_wrapper.should_update():
            return
        due = self.minutes is not None and time.monotonic() - self._since >= 60 * self.minutes
        stop, due = self._ranks.any(STOP.made(), due and is_main_process())
        if stop or due:
            self._save(runner, runner.epoch, runner.iter + 1)
        if stop:
            self._stop(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        if self._active and isinstance(runner.train_loop, EpochBasedTrainLoop) and self._asked():
            self._save(runner, runner.epoch + 1, runner.iter)
            self._stop(runner)

    def after_val_iter(
        self, runner: Runner, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        # Several processes may have one batch more or less, and answer together afterwards.
        asked = self._active and STOP.heeded and STOP.made() and not is_distributed()
        if asked and self._checkpoints.saved == (runner.epoch, runner.iter):
            self._stop(runner)

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        if self._active and STOP.heeded and self._asked():
            self._save(runner, runner.epoch, runner.iter)
            self._stop(runner)

    def after_train(self, runner: Runner) -> None:
        STOP.heeded = False

    def _asked(self) -> bool:
        return self._ranks.any(STOP.made())[0]

    def _save(self, runner: Runner, epoch: int, iteration: int) -> None:
        if self._checkpoints.saved != (epoch, iteration):
            self._checkpoints.autosave(runner, epoch, iteration)
        self._since = time.monotonic()

    def _stop(self, runner: Runner) -> None:
        self._checkpoints.finish()
        epoch, iteration = self._checkpoints.saved
        raise Interrupted(f'stopped after epoch {epoch}, iteration {iteration}, and saved', together=True)
