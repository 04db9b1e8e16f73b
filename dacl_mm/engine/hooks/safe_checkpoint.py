"""Checkpoints that survive a crash, a second process and an earlier run."""

import math
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.config import selection_metric
from dacl_mm.engine.checkpoint.changes import check_resumed
from dacl_mm.engine.checkpoint.contents import Contents
from dacl_mm.engine.checkpoint.finite import require_finite
from dacl_mm.engine.checkpoint.place import place, take_up
from dacl_mm.engine.checkpoint.process import process_state
from dacl_mm.engine.checkpoint.resume import VALIDATED, validate_missed, validation_step
from dacl_mm.engine.checkpoint.run import RUN_ID, own_folder, succeed
from dacl_mm.engine.checkpoint.scalars import continue_scalars
from dacl_mm.engine.checkpoint.size import describe_size
from dacl_mm.engine.checkpoint.training_only import fill_in
from dacl_mm.engine.checkpoint.writer import CheckpointWriter
from dacl_mm.engine.loaders import set_apart
from dacl_mm.engine.ranks import Ranks
from dacl_mm.errors import UserError


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, safe against a kill, a full disk and other runs in its folder.

    Each file is written in one step, and an outdated one is removed after its successor is on disk
    (upstream removes it before). One checkpoint is written at the end of a training epoch, before
    its validation, so that a kill loses no finished epoch; resuming validates that epoch again. The
    best one holds meta and the weights that predict, hence neither attention nor centres. Weights
    that are not finite are never written.

    Training goes on while a snapshot is written. A file that cannot be written stops it at the next
    checkpoint, or at the end.

    A folder belongs to one run at a time: a second process is refused, and the checkpoints of an
    earlier run are moved to ``earlier_runs/``.

    Args:
        save_best: Metric whose greatest value is the best; default: the config's
            ``selection_metric``, without which no best one is kept.
        rule: 'greater' or None.
        background: False lets training wait for each file, and saves the memory of a snapshot: a
            checkpoint's size.
        **kwargs: Those of :class:`mmengine.hooks.CheckpointHook`; files are local ones.

    Attributes:
        saved: Epochs and iterations that the last checkpoint but the best has trained.
    """

    def __init__(
        self, save_best: str | None = None, rule: str | None = None, background: bool = True, **kwargs: Any
    ):
        if rule not in (None, 'greater'):
            raise UserError(
                f'rule must be greater, got {rule!r}: choose a metric that grows as models improve'
            )
        super().__init__(**kwargs)
        if self.backend_args or self.file_client_args:
            raise UserError('checkpoints are local files: leave backend_args out of default_hooks.checkpoint')
        if self.args:  # mmengine's hook takes any keyword
            raise UserError(f'default_hooks.checkpoint takes no {", ".join(self.args)}')
        self.background = background
        self._explicit = save_best
        self._metric: str | None = None
        self._training = False
        self._absent: list[str] = []
        self._resumed: Mapping[str, Any] = {}
        self._lock = ExitStack()
        self.saved = 0, 0

    def before_train(self, runner: Runner) -> None:
        """Take the folder.

        Raises:
            UserError: If another process trains in it.
        """
        super().before_train(runner)
        chosen = selection_metric(runner.cfg)
        if self._explicit or runner.cfg.get('selection_metric'):
            self._metric = chosen if self._explicit in (None, 'auto') else self._explicit
        if self._absent:
            parts = ', '.join(self._absent)
            runner.logger.warning(f'{runner.cfg.load_from} holds no {parts}: training starts them anew')
        if is_main_process():
            hub = runner.message_hub
            step = self._step(runner), self._resumed.get('batches', 0) if self.by_epoch else 0
            own = own_folder(Path(self.out_dir), step, hub.get_info(RUN_ID))
            hub.update_info(RUN_ID, self._lock.enter_context(own))
            runner.logger.info(describe_size(runner.model, runner.optim_wrapper))
            if 'scalars' in self._resumed:
                continue_scalars(runner, self._resumed['scalars'])
        self._contents = Contents(runner)
        self._writer = CheckpointWriter(self.background)
        self._training = True
        self._ranks = Ranks()
        set_apart(runner)
        take_up(runner, self._resumed)
        validate_missed(runner)

    def after_train(self, runner: Runner) -> None:
        """Wait for the files, and leave the folder.

        Raises:
            FileError: If one could not be written.
        """
        self._writer.finish()
        self._training = False
        super().after_train(runner)
        self._lock.close()

    def autosave(self, runner: Runner, epoch: int, iteration: int) -> None:
        """Write ``autosave_*.pth``, which the next checkpoint but the best one replaces.

        Args:
            runner: The runner, in training.
            epoch: Epochs that have been trained.
            iteration: Iterations that have been trained.
        """
        meta = place(runner, epoch, iteration)
        if self.by_epoch:
            name = f'autosave_epoch_{epoch}_iter_{meta["batches"]}.pth'
        else:
            name = f'autosave_iter_{iteration}.pth'
        runner.call_hook('before_autosave')
        require_finite(runner, iteration, by_epoch=False)
        self._write_last(runner, name, meta)

    def finish(self) -> None:
        """Wait until everything is on disk; nothing can be saved afterwards.

        Raises:
            FileError: If something could not be written.
        """
        self._writer.finish()

    def break_off(self) -> None:
        """Wait for the files where an exception has ended the training."""
        if self._training:
            self._writer.drain()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        if not self._training:
            return
        runner.message_hub.update_info(VALIDATED, validation_step(runner))
        if self._metric is not None:
            self._save_best_checkpoint(runner, metrics or {})

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner.cfg.get('resume'):
            check_resumed(runner, checkpoint)
            self._resumed = dict(checkpoint['meta'], processes=checkpoint.get('processes', []))
        else:
            self._absent = fill_in(runner.model, checkpoint)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        require_finite(runner, step, self.by_epoch)
        hub = runner.message_hub
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            self.keep_ckpt_ids.append(step)  # the oldest drops out
            hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        self._write_last(runner, self.filename_tmpl.format(step), place(runner, **meta))

    def _write_last(self, runner: Runner, name: str, meta: dict[str, Any]) -> None:
        """Write what training goes on from; every process has to come here."""
        self.last_ckpt = str(Path(self.out_dir) / name)
        runner.message_hub.update_info('last_ckpt', self.last_ckpt)
        self.saved = meta['epoch'], meta['iter']
        processes = self._ranks.gather(process_state(runner))
        if is_main_process():
            whole = self._contents.whole(meta, self.save_optimizer, self.save_param_scheduler, processes)
            self._write(runner, 'last', whole, self.last_ckpt)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        hub, step, metric = runner.message_hub, self._step(runner), self._metric
        if metric not in metrics:
            raise UserError(f'selection_metric {metric!r} is not among the metrics: {", ".join(metrics)}')
        score = float(metrics[metric])
        if not math.isfinite(score):
            runner.logger.warning(f'{metric} is {score} after {step}: never the best')
        elif score > hub.get_info('best_score', -math.inf):
            require_finite(runner, step, self.by_epoch)
            name = f'best_{metric}_{self.filename_tmpl.format(step)}'.replace('/', '_')
            self.best_ckpt_path = str(Path(self.out_dir) / name)
            hub.update_info_dict(dict(best_score=score, best_ckpt=self.best_ckpt_path))
            runner.logger.info(f'{metric} {score:.2f} is the best so far: {name}')
            if is_main_process():
                weights = self._contents.predicting(dict(epoch=runner.epoch, iter=runner.iter))
                self._write(runner, 'best', weights, self.best_ckpt_path)

    def _write(self, runner: Runner, kind: str, checkpoint: dict[str, Any], path: str) -> None:
        first = min(self.keep_ckpt_ids, default=0) if self.max_keep_ckpts > 0 else 0
        best = runner.message_hub.get_info('best_ckpt')
        note = Path(runner.work_dir) / 'last_checkpoint' if kind == 'last' else None
        self._writer.write(kind, checkpoint, Path(path), partial(succeed, Path(path), note, first, best))

    def _step(self, runner: Runner) -> int:
        step: int = runner.epoch if self.by_epoch else runner.iter
        return step
