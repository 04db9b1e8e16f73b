"""Which run a folder belongs to: its checkpoints carry the same id."""

import json
import re
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.logging import print_log

from dacl_mm.errors import UserError
from dacl_mm.files import file_lock, write_atomic

RUN_ID = 'run_id'  # in the message hub and in the meta of checkpoints
RUN_FILE = 'run.json'
LOCK_FILE = '.training.lock'
EARLIER = 'earlier_runs'
NAME = re.compile(r'(?P<best>best_.+_)?(?:epoch|iter)_(?P<step>\d+)\.pth')


def step_checkpoints(folder: Path) -> dict[Path, int]:
    """Return the checkpoints that training can go on from, and the epoch or iteration of each."""
    return _find(folder, best=False)


def best_checkpoints(folder: Path) -> dict[Path, int]:
    """Return the checkpoints that validation selected, and the epoch or iteration of each."""
    return _find(folder, best=True)


def _find(folder: Path, best: bool) -> dict[Path, int]:
    names = ((path, NAME.fullmatch(path.name)) for path in sorted(folder.glob('*.pth')))
    return {path: int(name['step']) for path, name in names if name and bool(name['best']) == best}


def noted_run(folder: Path) -> str | None:
    """Return the id in the folder's ``run.json``, or None.

    Raises:
        UserError: If the file is damaged.
    """
    path = folder / RUN_FILE
    try:
        return str(json.loads(path.read_bytes())['id'])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UserError(
            f'{path} is damaged ({type(error).__name__}: {error}): delete it if every checkpoint in the '
            'folder is of one run, else choose another --work-dir'
        ) from error


@contextmanager
def own_folder(folder: Path, step: int, run_id: str | None) -> Iterator[str]:
    """Hold a folder against other processes, cleared of what is not this run's.

    Args:
        folder: Where checkpoints are written.
        step: As in :func:`claim_folder`.
        run_id: Likewise.

    Yields:
        The run's id.

    Raises:
        UserError: If another process trains in it.
    """
    with file_lock(folder / LOCK_FILE, 'training'):
        for path in folder.glob('.*.pth.tmp'):  # what a killed process left half-written
            path.unlink()
        yield claim_folder(folder, step, run_id)


def claim_folder(folder: Path, step: int, run_id: str | None) -> str:
    """Make a folder one run's own, and note the run's id there.

    A new run, or one resumed from elsewhere, leaves nothing of another where it would be
    overwritten or taken for its own: those checkpoints are moved to ``earlier_runs/<time>/``.
    So are a run's own ones from beyond the epoch that it went back to.

    Args:
        folder: Where checkpoints are written.
        step: The epoch or iteration that training goes on from; 0 for a new run.
        run_id: The id in the checkpoint that was resumed, if it had one.

    Returns:
        The run's id.
    """
    noted, present = noted_run(folder), step_checkpoints(folder) | best_checkpoints(folder)
    if step == 0:
        run_id, strange = None, list(present)
    else:
        run_id = run_id or noted
        other = noted not in (None, run_id)
        strange = [path for path, its in present.items() if other or its > step]
    if strange:
        _move(strange, folder / EARLIER / time.strftime('%Y%m%d_%H%M%S'))
    run_id = run_id or uuid.uuid4().hex[:12]
    if run_id != noted:
        note = dict(id=run_id, started=time.strftime('%Y-%m-%d %H:%M:%S'))
        write_atomic(json.dumps(note).encode(), folder / RUN_FILE)
    return run_id


def _move(paths: list[Path], target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for path in paths:
        shutil.move(path, target / path.name)
    names = ', '.join(path.name for path in paths)
    print_log(f'checkpoints of an earlier run were moved to {target}: {names}', logger='current', level=30)


def succeed(path: Path, note: Path | None, first: int, best: str | None) -> None:
    """Let a checkpoint that is on disk take the place of those before it.

    Args:
        path: The checkpoint.
        note: File that is to name it, as mmengine's own tools expect.
        first: The first epoch or iteration to keep; what is older goes.
        best: Path of the best checkpoint; the others go once it is there.
    """
    if note is not None:
        write_atomic(str(path).encode(), note)
    for other, step in step_checkpoints(path.parent).items():
        if step < first:
            other.unlink()
    found = best_checkpoints(path.parent)
    kept = path.parent / Path(best).name if best else None
    if kept in found:
        for other in found.keys() - {kept}:
            other.unlink()
