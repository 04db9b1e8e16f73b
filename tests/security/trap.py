"""Files that run code where they are unpickled: they leave a mark."""

from pathlib import Path

import numpy as np
import torch


class Trap:
    """Writes a file as it is unpickled."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return open, (str(self.mark), 'w')


def trapped_array(mark: Path) -> np.ndarray:
    """Return an array that numpy would have to unpickle."""
    array = np.empty(3, object)
    array[0] = Trap(mark)
    return array


def trapped_checkpoint(path: Path, mark: Path, zipped: bool = True) -> Path:
    """Write a checkpoint with a trap, and see that it snaps where it is unpickled."""
    content = dict(meta=dict(epoch=1), state_dict={}, model_state_dict={}, message_hub={}, x=Trap(mark))
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    torch.load(path, weights_only=False)
    assert mark.exists()
    mark.unlink()
    return path
