"""Loading checkpoints without executing what they contain."""

import os
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmengine.runner.checkpoint as upstream
import torch
from mmengine.logging import print_log

from dacl_mm.errors import CorruptCheckpointError, MissingFileError, UnsafeCheckpointError

#: torch's own variable: set to 1, mmengine's loader reads local files, and executes what they contain.
SWITCH = 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD'


def load_checkpoint(filename: str | Path, map_location: Any = None, mmap: bool = False) -> Any:
    """Read a local checkpoint with ``torch.load(weights_only=True)``.

    Args:
        filename: A file of the local disk.
        map_location: As in ``torch.load``.
        mmap: Map the tensors into memory instead of reading them, for a look at the rest.

    Raises:
        MissingFileError: If there is no such file.
        UnsafeCheckpointError: If the file holds pickled objects.
        CorruptCheckpointError: If it is truncated, altered or no checkpoint.
    """
    path = Path(filename).expanduser()
    if not path.is_file():
        raise MissingFileError(f'checkpoint {path} does not exist')
    if os.environ.get(SWITCH) in ('1', 'y', 'yes', 'true'):  # what torch takes for a yes
        return _load_as_upstream(path, map_location)
    try:
        archive = zipfile.is_zipfile(path)
        if archive:
            _check_sums(path)
        checkpoint = torch.load(path, map_location, weights_only=True, mmap=mmap and archive)
        if not isinstance(checkpoint, Mapping):
            raise TypeError(f'it holds a {type(checkpoint).__name__}')
        return checkpoint
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
            f'. To read every file as plain mmengine does, set {SWITCH}=1 in the environment'
        ) from None


def _check_sums(path: Path) -> None:
    # torch writes a CRC-32 of each tensor and does not compare it when it reads.
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise zipfile.BadZipFile(f'its part {damaged} does not match its checksum')


def _load_as_upstream(path: Path, map_location: Any) -> Any:
    # Said once: mmengine's logger leaves out a warning that it has shown.
    print_log(
        f'{SWITCH} is set: checkpoints are read as plain mmengine reads them, which executes code that '
        'a file may contain',
        logger='current',
        level=30,
    )
    return upstream.load_from_local(str(path), map_location)


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Loader behind mmengine's and MMPretrain's ``load_checkpoint`` for local files."""
    return load_checkpoint(filename, map_location)


# Upstream reads local files with torch's default, which differs between mmengine's
# versions: refused outright (0.10) or fully unpickled (0.11).
upstream.CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
