"""Going on with another number of processes."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.engine.distributed.global_batch import GlobalBatch, counts_iterations, global_batch
from dacl_mm.errors import UserError

KEY = 'global_batch'  # in the meta of checkpoints


@HOOKS.register_module()
class GlobalBatchHook(Hook):
    """Resume on another number of processes only with as many images in an optimizer step.

    A change of ``batch_size`` alone is a change of the config like any other.
    """

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        own = global_batch(runner)
        if own is not None:
            checkpoint['meta'][KEY] = own._asdict()

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Compare a resumed checkpoint with this run.

        Raises:
            UserError: If steps would be of more or fewer images since the number of processes
                changed, or of more or fewer iterations than schedules count on.
        """
        stored, now = checkpoint.get('meta', {}).get(KEY), global_batch(runner)
        if not runner.cfg.get('resume') or stored is None or now is None:
            return
        before, source = GlobalBatch(**stored), runner.cfg.get('load_from')
        if before.processes != now.processes and before.images != now.images:
            raise UserError(
                f'{source} was trained in steps of {before}, this run has {now}. Choose '
                'train_dataloader.batch_size and optim_wrapper.accumulative_counts so that a step has '
                f'{before.images} images again, or the same number of processes as before'
            )
        if before.accumulative_counts != now.accumulative_counts and counts_iterations(runner):
            raise UserError(
                f'{source} was trained in steps of {before}, this run has {now}: its schedule counts '
                'iterations, of which a step would have more or fewer. Keep '
                f'optim_wrapper.accumulative_counts={before.accumulative_counts}'
            )
        if before.processes != now.processes:
            runner.logger.info(f'goes on in steps of {now}; before: {before}')
