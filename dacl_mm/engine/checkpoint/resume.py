"""Where to go on."""

from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log
from mmengine.runner import EpochBasedTrainLoop, Runner

from dacl_mm.errors import CorruptCheckpointError, UnsafeCheckpointError, UserError
from dacl_mm.text import printable

from .loader import load_checkpoint
from .run import RUN_ID, noted_run, step_checkpoints

# In the message hub. mmengine's validation lines print every entry whose name starts with "val".
VALIDATED = 'last_validated'


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Return the latest checkpoint of the folder's own run that is whole, or None.

    Reads the file names instead of mmengine's ``last_checkpoint`` note: that
    note breaks when the folder moves or the process dies while it is written.
    Each file that is passed over is named with the reason. A checkpoint without
    a run's id, as older versions wrote, counts as the folder's own.
    """
    folder = Path(work_dir)
    run = noted_run(folder)
    steps = step_checkpoints(folder)
    for path in sorted(steps, key=lambda path: steps[path], reverse=True):
        try:
            its = load_checkpoint(path, 'cpu', mmap=True).get('meta', {}).get(RUN_ID)
        except (CorruptCheckpointError, UnsafeCheckpointError) as error:
            _say(f'passed over: {error}')
            continue
        if its is None or run is None or its == run:
            return path
        _say(f'passed over: {path} is of run {printable(its)}, the folder of run {run}')
    return None


def set_resume(cfg: Config, resume: str | None) -> None:
    """Resume from a file, or from the latest checkpoint in the work dir ('auto').

    Raises:
        MissingFileError: If there is no such file.
        UserError: If no checkpoint of the work dir can be gone on from, or the file
            holds weights alone.
    """
    if resume is None:
        return
    if resume == 'auto':
        source = latest_checkpoint(cfg.work_dir)
        if source is None and step_checkpoints(Path(cfg.work_dir)):
            raise UserError(
                f'no checkpoint in {cfg.work_dir} can be resumed (see above): name one by --resume FILE, '
                'or train anew without --resume'
            )
        if source is None:
            _say(f'--resume: there is no checkpoint in {cfg.work_dir}, so training starts anew')
            return
    else:
        source = Path(resume)
        if 'message_hub' not in load_checkpoint(source, 'cpu', mmap=True):
            raise UserError(
                f'{source} holds weights alone, and training cannot go on from them: resume from an '
                'epoch_*.pth, or start a new training with these weights by --cfg-options load_from=FILE'
            )
    cfg.resume, cfg.load_from = True, str(source)


def validate_missed(runner: Runner) -> None:
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


def _say(text: str) -> None:
    print_log(text, logger='current', level=30)
