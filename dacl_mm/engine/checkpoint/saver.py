"""Writing checkpoints, each in one step."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dacl_mm.files import atomic_file


def save_checkpoint(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Write a checkpoint with ``torch.save``; a crash leaves the old file or the new one.

    Raises:
        FileError: If the disk is full or the folder not writable.
    """
    with atomic_file(path) as file:
        try:
            torch.save(checkpoint, file)
        except RuntimeError as error:
            # Where a write fails, torch complains of its unfinished archive instead.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise
