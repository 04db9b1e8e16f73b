"""Going on after torchrun has started all processes anew."""

import os
from pathlib import Path

from dacl_mm.engine.checkpoint.run import step_checkpoints

COUNT = 'TORCHELASTIC_RESTART_COUNT'  # set by torchrun
LAUNCHED = 'DACL_LAUNCHED'  # set by tools/dist_train.sh: when it was called, in seconds since 1970


def resume_after_restart(work_dir: str | Path, asked: str | None) -> str | None:
    """Return what to resume: the latest checkpoint where a restarted training has written one.

    Older checkpoints may be those of an earlier run, which a new one takes the folder from.

    Args:
        work_dir: Folder of the checkpoints.
        asked: What ``--resume`` says.
    """
    launched = os.environ.get(LAUNCHED)
    if launched is None or int(os.environ.get(COUNT, 0)) == 0:
        return asked
    written = any(path.stat().st_mtime >= float(launched) for path in step_checkpoints(Path(work_dir)))
    return 'auto' if written else asked
