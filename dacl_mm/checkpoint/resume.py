"""Where to go on."""

import re
from pathlib import Path


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
