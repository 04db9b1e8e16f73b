"""Where to go on."""

import re
from pathlib import Path

from mmengine.config import Config

from dacl_mm.errors import MissingFileError


def latest_checkpoint(work_dir: str | Path) -> Path | None:
    """Return the checkpoint of the latest epoch or iteration in a folder, or None.

    Reads the file names instead of mmengine's ``last_checkpoint`` note: that
    note breaks when the folder moves or the process dies while it is written,
    whereas every checkpoint here is complete.
    """
    found = []
    for path in Path(work_dir).glob('*.pth'):
        name = re.fullmatch(r'(?:epoch|iter)_(\d+)\.pth', path.name)
        if name:
            found.append((int(name[1]), path))
    return max(found)[1] if found else None


def set_resume(cfg: Config, resume: str | None) -> None:
    """Resume from a file, or from the latest checkpoint in the work dir ('auto')."""
    if resume is None:
        return
    source = latest_checkpoint(cfg.work_dir) if resume == 'auto' else Path(resume)
    if source is None:
        print(f'nothing to resume in {cfg.work_dir}: training starts anew')
        return
    if not source.is_file():
        raise MissingFileError(f'checkpoint {source} does not exist')
    cfg.resume, cfg.load_from = True, str(source)
