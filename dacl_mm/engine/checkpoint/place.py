"""Where in a training a checkpoint is taken, and beginning there."""

from collections.abc import Mapping
from typing import Any

from mmengine.runner import Runner

from dacl_mm.engine.loops import ExactEpochLoop
from dacl_mm.errors import UserError

from .process import restore_process


def place(runner: Runner, epoch: int, iter: int) -> dict[str, Any]:
    """Return the meta of a checkpoint.

    Args:
        runner: The runner, in training.
        epoch: Epochs that have been trained.
        iter: Iterations that have been trained.

    Returns:
        Both, and ``batches`` and ``images`` (of all processes) of an epoch that is not finished.
    """
    loop, inside = runner.train_loop, dict(batches=0, images=0)
    if epoch == runner.epoch:  # otherwise it has just ended
        inside = loop.place(iter) if isinstance(loop, ExactEpochLoop) else dict(batches=iter, images=0)
    return dict(epoch=epoch, iter=iter, **inside)


def take_up(runner: Runner, resumed: Mapping[str, Any]) -> None:
    """Begin where a checkpoint was taken, every process with its own state.

    Args:
        runner: The runner, before its first step.
        resumed: The checkpoint's meta and ``processes``; nothing for a new run.

    Raises:
        UserError: If the checkpoint is from inside an epoch, and the loop cannot begin there.
    """
    source, processes = runner.cfg.get('load_from'), resumed.get('processes', [])
    if isinstance(runner.train_loop, ExactEpochLoop):
        runner.train_loop.begin_at = resumed.get('images', 0)
    elif resumed.get('images'):
        raise UserError(
            f'{source} is from inside an epoch, where {type(runner.train_loop).__name__} cannot begin: '
            'leave type out of train_cfg'
        )
    if len(processes) == runner.world_size:
        restore_process(runner, processes[runner.rank])
    elif processes:
        runner.logger.warning(
            f'{source} was written by {len(processes)} processes and these are {runner.world_size}: '
            'the training goes on, but does not repeat to the bit'
        )
