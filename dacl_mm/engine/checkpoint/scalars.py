"""The lines of scalars.json, which go on where a run does."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmengine.runner import Runner

from dacl_mm.files import write_atomic


def written_scalars(runner: Runner) -> dict[str, Any]:
    """Return which file holds the lines until now, from the work dir, and its size in bytes."""
    path = _path(runner)
    size = path.stat().st_size if path.is_file() else 0
    return dict(file=path.relative_to(Path(runner.work_dir)).as_posix(), size=size)


def continue_scalars(runner: Runner, written: Mapping[str, Any]) -> None:
    """Begin this process's file with the lines before the checkpoint.

    Later ones of the process before, which this one writes again, are left behind with it.
    """
    earlier = Path(runner.cfg.load_from).parent / written['file']
    if not written['size']:
        _path(runner).unlink(missing_ok=True)  # begun within the same second
    elif earlier.is_file():
        write_atomic(earlier.read_bytes()[: written['size']], _path(runner))
    else:
        runner.logger.warning(f'{earlier} is gone: scalars.json begins with this checkpoint')


def _path(runner: Runner) -> Path:
    return Path(runner.log_dir) / 'vis_data' / 'scalars.json'
