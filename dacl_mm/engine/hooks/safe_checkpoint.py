"""Checkpoints that load everywhere and survive a crash."""

from pathlib import Path

from mmengine.dist import is_main_process
from mmengine.hooks import CheckpointHook, Hook
from mmengine.runner import EpochBasedTrainLoop
from mmpretrain.registry import HOOKS

from dacl_mm.engine.checkpoint.plain import plain_message_hub, restore_message_hub, to_plain

VALIDATED = 'validated_epoch'  # in the message hub, hence in checkpoints


def without_functions(schedulers):
    """Leave functions out of scheduler states: resuming builds them from the config."""
    if isinstance(schedulers, dict):
        return {name: without_functions(states) for name, states in schedulers.items()}
    return [{k: v for k, v in state.items() if not callable(v)} for state in schedulers]


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Keep checkpoints free of pickled objects.

    What is saved loads with ``torch.load(weights_only=True)`` in plain torch;
    the logged history is restored on resuming.
    """

    # Last, when every other hook has added what it saves.
    priority = 'LOWEST'

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        checkpoint['message_hub'] = plain_message_hub(checkpoint['message_hub'])
        if 'param_schedulers' in checkpoint:
            checkpoint['param_schedulers'] = without_functions(checkpoint['param_schedulers'])
        for key in checkpoint.keys() - {'message_hub', 'state_dict'}:
            checkpoint[key] = to_plain(checkpoint[key], key)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = restore_message_hub(checkpoint['message_hub'])


class _DeferredRemoval:
    """A file backend that keeps files to be removed until :meth:`flush`."""

    def __init__(self, backend):
        self._backend = backend
        self._doomed: list[str] = []

    def __getattr__(self, name):
        return getattr(self._backend, name)

    def remove(self, filepath: str) -> None:
        self._doomed.append(filepath)

    def flush(self, keep: set[str | None]) -> None:
        for path in self._doomed:
            if path not in keep and self._backend.isfile(path):
                self._backend.remove(path)
        self._doomed.clear()


@HOOKS.register_module()
class AtomicCheckpointHook(CheckpointHook):
    """mmengine's CheckpointHook, safe against a kill or a full disk.

    Each file is written in one step, and an outdated checkpoint is removed only
    after its successor is on disk (upstream removes it before).

    Args:
        **kwargs: Those of :class:`mmengine.hooks.CheckpointHook`.
    """

    def __init__(self, **kwargs):
        kwargs.setdefault('backend_args', dict(backend='atomic'))
        super().__init__(**kwargs)
        self._written = 0

    def before_train(self, runner) -> None:
        super().before_train(runner)
        self.file_backend = _DeferredRemoval(self.file_backend)  # type: ignore[has-type]
        if is_main_process():  # what a killed process left half-written
            for path in Path(self.out_dir).glob('.*.pth.tmp'):
                path.unlink()
            self._doom_leftovers()
        self._validate_missed(runner)

    @staticmethod
    def _validate_missed(runner) -> None:
        """Validate the resumed epoch where the process was killed between saving and validating.

        Its results would be missing, and it could not be selected as the best.
        """
        epoch, loop = runner.epoch, runner.train_loop
        if epoch == 0 or runner.val_loop is None or not isinstance(loop, EpochBasedTrainLoop):
            return
        due = epoch >= loop.val_begin and (epoch % loop.val_interval == 0 or epoch == loop.max_epochs)
        if due and runner.message_hub.get_info(VALIDATED, 0) < epoch:
            runner.logger.info(f'epoch {epoch} was saved and not validated: validating it now')
            runner.val_loop.run()

    def _doom_leftovers(self) -> None:
        """Mark checkpoints that a process killed before its own removal left behind."""
        kept = list(self.keep_ckpt_ids) if self.max_keep_ckpts > 0 else []
        names = {self.filename_tmpl.format(step) for step in range(min(kept, default=0))}
        for path in Path(self.out_dir).iterdir():
            if path.name in names:
                self.file_backend.remove(str(path))

    def _save_checkpoint_with_step(self, runner, step, meta) -> None:
        super()._save_checkpoint_with_step(runner, step, meta)
        self._written += 1
        self._remove_outdated()

    def _save_best_checkpoint(self, runner, metrics) -> None:
        super()._save_best_checkpoint(runner, metrics)
        self._remove_outdated()

    def after_val_epoch(self, runner, metrics) -> None:
        written = self._written
        runner.message_hub.update_info(VALIDATED, runner.epoch)
        super().after_val_epoch(runner, metrics)
        # Upstream writes the last checkpoint before validation, and again only where
        # it was the best: a resumed run would lack the results of the other epochs.
        current = self.filename_tmpl.format(runner.epoch) if self.by_epoch else None
        if self.last_ckpt and Path(self.last_ckpt).name == current and self._written == written:
            meta = dict(epoch=runner.epoch, iter=runner.iter)
            self._save_checkpoint_with_step(runner, runner.epoch, meta)

    def _remove_outdated(self) -> None:
        if is_main_process():
            best = self.best_ckpt_path_dict.values() if hasattr(self, 'best_ckpt_path_dict') else ()
            self.file_backend.flush({self.last_ckpt, getattr(self, 'best_ckpt_path', None), *best})
