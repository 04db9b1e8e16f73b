"""Checkpoints that survive a crash, a second process and an earlier run."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook
from mmengine.runner import EpochBasedTrainLoop, Runner
from mmpretrain.registry import HOOKS

from dacl_mm.config import selection_metric
from dacl_mm.engine.checkpoint.changes import check_resumed, config_values
from dacl_mm.engine.checkpoint.run import RUN_ID, best_checkpoints, claim_folder, step_checkpoints
from dacl_mm.engine.checkpoint.size import describe_size
from dacl_mm.errors import UserError
from dacl_mm.files import file_lock, write_atomic

# In the message hub. mmengine's validation lines print every entry whose name starts with "val".
VALIDATED = 'last_validated'
LOCK_FILE = '.training.lock'


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, safe against a kill, a full disk and other runs in its folder.

    Each file is written in one step, and an outdated one is removed after its successor is on disk
    (upstream removes it before). One checkpoint is written at the end of a training epoch, before
    its validation, so that a kill loses no finished epoch; resuming validates that epoch again. The
    best one holds weights and meta alone. Weights that are not finite are never written.

    A folder belongs to one run at a time: a second process is refused, and the checkpoints of an
    earlier run are moved to ``earlier_runs/``.

    Args:
        save_best: Metric whose greatest value is the best; default: the config's
            ``selection_metric``, without which no best one is kept.
        rule: 'greater' or None.
        **kwargs: Those of :class:`mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, save_best: str | None = None, rule: str | None = None, **kwargs: Any):
        if rule not in (None, 'greater'):
            raise UserError(
                f'rule must be greater, got {rule!r}: choose a metric that grows as models improve'
            )
        kwargs.setdefault('backend_args', dict(backend='atomic'))
        super().__init__(**kwargs)
        self._explicit = save_best
        self._metric: str | None = None
        self._training = self._saving_best = False
        self._lock = ExitStack()

    def before_train(self, runner: Runner) -> None:
        """Take the folder.

        Raises:
            UserError: If another process trains in it.
        """
        super().before_train(runner)
        chosen = selection_metric(runner.cfg)
        if self._explicit or runner.cfg.get('selection_metric'):
            self._metric = chosen if self._explicit in (None, 'auto') else self._explicit
        self._training = True
        if is_main_process():
            folder = Path(self.out_dir)
            self._lock.enter_context(file_lock(folder / LOCK_FILE, 'training'))
            for path in folder.glob('.*.pth.tmp'):  # what a killed process left half-written
                path.unlink()
            run_id = claim_folder(folder, self._step(runner), runner.message_hub.get_info(RUN_ID))
            runner.message_hub.update_info(RUN_ID, run_id)
            runner.logger.info(describe_size(runner.model, runner.optim_wrapper))
        self._validate_missed(runner)

    def after_train(self, runner: Runner) -> None:
        super().after_train(runner)
        self._training = False
        self._lock.close()

    def after_val_epoch(self, runner: Runner, metrics: dict[str, Any] | None = None) -> None:
        if not self._training:
            return
        runner.message_hub.update_info(VALIDATED, self._step(runner))
        if self._metric is not None:
            self._save_best_checkpoint(runner, metrics or {})

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if self._training:
            checkpoint['meta'][RUN_ID] = runner.message_hub.get_info(RUN_ID)
            checkpoint['meta']['config_values'] = config_values(runner.cfg.to_dict())
        if self._saving_best:
            for key in checkpoint.keys() - {'meta', 'state_dict'}:
                del checkpoint[key]

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if runner.cfg.get('resume'):
            check_resumed(runner, checkpoint)

    def _save_checkpoint_with_step(self, runner: Runner, step: int, meta: dict[str, Any]) -> None:
        self._require_finite(runner, step)
        hub, name = runner.message_hub, self.filename_tmpl.format(step)
        if self.max_keep_ckpts > 0 and step not in self.keep_ckpt_ids:
            self.keep_ckpt_ids.append(step)  # the oldest drops out
            hub.update_info('keep_ckpt_ids', list(self.keep_ckpt_ids))
        self.last_ckpt = str(Path(self.out_dir) / name)
        hub.update_info('last_ckpt', self.last_ckpt)
        self._write(runner, name, meta, self.save_optimizer, self.save_param_scheduler)
        if is_main_process():  # mmengine's own tools read this note
            write_atomic(self.last_ckpt.encode(), Path(runner.work_dir) / 'last_checkpoint')
        self._prune(runner)

    def _save_best_checkpoint(self, runner: Runner, metrics: dict[str, Any]) -> None:
        hub, step, metric = runner.message_hub, self._step(runner), self._metric
        if metric not in metrics:
            raise UserError(f'selection_metric {metric!r} is not among the metrics: {", ".join(metrics)}')
        score = float(metrics[metric])
        if not math.isfinite(score):
            runner.logger.warning(f'{metric} is {score} after {step}: never the best')
        elif score > hub.get_info('best_score', -math.inf):
            self._require_finite(runner, step)
            name = f'best_{metric}_{self.filename_tmpl.format(step)}'.replace('/', '_')
            self.best_ckpt_path = str(Path(self.out_dir) / name)
            hub.update_info_dict(dict(best_score=score, best_ckpt=self.best_ckpt_path))
            self._saving_best = True
            self._write(runner, name, dict(epoch=runner.epoch, iter=runner.iter), False, False)
            self._saving_best = False
            runner.logger.info(f'{metric} {score:.2f} is the best so far: saved to {name}')
            self._prune(runner)

    def _write(
        self, runner: Runner, name: str, meta: dict[str, Any], optimizer: bool, schedulers: bool
    ) -> None:
        runner.save_checkpoint(
            self.out_dir,
            name,
            save_optimizer=optimizer,
            save_param_scheduler=schedulers,
            meta=meta,
            by_epoch=self.by_epoch,
            backend_args=self.backend_args,
            **self.args,
        )

    def _prune(self, runner: Runner) -> None:
        """Remove what the newest files have outdated."""
        if not is_main_process():
            return
        folder, hub = Path(self.out_dir), runner.message_hub
        for path, step in step_checkpoints(folder).items():
            if self.max_keep_ckpts > 0 and step < min(self.keep_ckpt_ids, default=0):
                path.unlink()
        for path in best_checkpoints(folder):
            if hub.get_info('best_ckpt') and path.name != Path(hub.get_info('best_ckpt')).name:
                path.unlink()

    def _require_finite(self, runner: Runner, step: int) -> None:
        broken = next((name for name, p in runner.model.named_parameters() if not p.isfinite().all()), None)
        if broken:
            unit = 'epoch' if self.by_epoch else 'iteration'
            last = runner.message_hub.get_info('last_ckpt') or 'none yet'
            raise UserError(
                f'after {unit} {step} the weights of {broken} are not finite and were not saved: lower the '
                'learning rate, or clip gradients by optim_wrapper.clip_grad=dict(max_norm=5). The last good '
                f'checkpoint: {last}'
            )

    def _step(self, runner: Runner) -> int:
        step: int = runner.epoch if self.by_epoch else runner.iter
        return step

    @staticmethod
    def _validate_missed(runner: Runner) -> None:
        """Validate what was saved last and not validated since.

        Its results would be missing, and it could not be selected as the best.
        """
        loop = runner.train_loop
        by_epoch = isinstance(loop, EpochBasedTrainLoop)
        step, last = (loop.epoch, loop.max_epochs) if by_epoch else (loop.iter, loop.max_iters)
        if step == 0 or runner.val_loop is None:
            return
        due = step >= loop.val_begin and (step % loop.val_interval == 0 or step == last)
        if due and runner.message_hub.get_info(VALIDATED, 0) < step:
            runner.logger.info(f'{step} was saved before its validation: validating it now')
            runner.val_loop.run()
