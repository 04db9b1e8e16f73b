"""Loading checkpoints without executing what they contain."""

import pickle
import shlex
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mmengine.runner.checkpoint as upstream
import torch
from mmengine.logging import print_log

from dacl_mm.errors import CorruptCheckpointError, MissingFileError, UnsafeCheckpointError
from dacl_mm.unpickling import ALLOW, is_allowed


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
    checkpoint = _load(filename, map_location, mmap)
    if not isinstance(checkpoint, Mapping):
        raise CorruptCheckpointError(
            f'{filename} is no checkpoint (it holds a {type(checkpoint).__name__}): take another file'
        )
    return checkpoint


def _load(filename: str | Path, map_location: Any, mmap: bool = False) -> Any:
    path = Path(filename).expanduser()
    if not path.is_file():
        raise MissingFileError(f'checkpoint {path} does not exist')
    if is_allowed():
        return _load_as_upstream(path, map_location)
    try:
        archive = zipfile.is_zipfile(path)
        if archive:
            _check_archive(path)
        return torch.load(path, map_location, weights_only=True, mmap=mmap and archive)
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
            'origin, keep the weights alone and use the new file: python -c "import sys, torch; '
            "torch.save({'state_dict': torch.load(sys.argv[1], map_location='cpu', weights_only=False)"
            f"['state_dict']}}, 'weights.pth')\" {shlex.quote(str(path))}"
            f'. To read every file as plain mmengine does, set {ALLOW}=1 in the environment'
        ) from None


def _check_archive(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        size = sum(part.file_size for part in archive.infolist())
        if size > path.stat().st_size:  # torch compresses nothing
            raise zipfile.BadZipFile(f'its parts would unpack to {size:,} bytes')
        # torch writes a CRC-32 of each tensor and does not compare it when it reads.
        damaged = archive.testzip()
    if damaged:
        raise zipfile.BadZipFile(f'its part {damaged} does not match its checksum')


def _load_as_upstream(path: Path, map_location: Any) -> Any:
    # Said once: mmengine's logger leaves out a warning that it has shown.
    print_log(
        f'{ALLOW} is set: checkpoints are read as plain mmengine reads them, which executes code that '
        'a file may contain',
        logger='current',
        level=30,
    )
    return upstream.load_from_local(str(path), map_location)


def load_from_local(filename: str, map_location: Any = None) -> Any:
    """Loader behind mmengine's and MMPretrain's ``load_checkpoint`` for local files.

    For all of the process, a host's own files too: what mmengine 0.10 reads, it reads to the same objects,
    and what is refused there is refused by an error of the same kind. ``torch.serialization.safe_globals``
    and :data:`~dacl_mm.unpickling.ALLOW` are a host's ways to allow more, as without it.
    """
    return _load(filename, map_location)


# Upstream reads local files with torch's default, which differs between mmengine's
# versions: refused outright (0.10) or fully unpickled (0.11).
upstream.CheckpointLoader.register_scheme(prefixes='', loader=load_from_local, force=True)
