"""Loading checkpoints without executing what they contain."""

import pickle
from pathlib import Path

import torch
from mmengine.runner.checkpoint import CheckpointLoader

from dacl_mm.errors import CorruptCheckpointError, MissingFileError, UnsafeCheckpointError


def load_checkpoint(filename: str, map_location=None):
    """Read a local checkpoint with ``torch.load(weights_only=True)``.

    Raises:
        MissingFileError: If there is no such file.
        UnsafeCheckpointError: If the file holds pickled objects.
        CorruptCheckpointError: If it is truncated or no checkpoint.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise MissingFileError(f'checkpoint {path} does not exist')
    try:
        return torch.load(path, map_location=map_location, weights_only=True)
    except Exception as error:
        # torch has no exception of its own for either case: a refused global is
        # named in an UnpicklingError, and damage surfaces as whatever broke first.
        reason = next((s.strip() for s in str(error).splitlines() if s.strip()), type(error).__name__)
        if not (isinstance(error, pickle.UnpicklingError) and 'global' in str(error).lower()):
            raise CorruptCheckpointError(
                f'{path} is damaged or no checkpoint ({reason}): take an earlier checkpoint, or copy '
                'the file again'
            ) from None
        refused = next((s.strip() for s in str(error).splitlines() if 'GLOBAL' in s), reason)
        raise UnsafeCheckpointError(
            f'{path} holds pickled Python objects, and reading them would execute code from the '
            f'file ({refused}). Checkpoints of plain mmengine are such files. If you trust its '
            'origin, keep the weights alone and use the new file: python -c "import torch; '
            f"torch.save({{'state_dict': torch.load('{path}', map_location='cpu', weights_only=False)"
            "['state_dict']}, 'weights.pth')\""
        ) from None


# Upstream reads local files with torch's default, which differs between mmengine's
# versions: refused outright (0.10) or fully unpickled (0.11).
@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_from_local(filename: str, map_location=None):
    """Loader behind mmengine's and MMPretrain's ``load_checkpoint`` for local files."""
    return load_checkpoint(filename, map_location)
