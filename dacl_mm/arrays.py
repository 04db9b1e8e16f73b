"""Arrays from files that may hold anything."""

import io
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

MAX_BYTES = 2**32  # of a file's arrays, unpacked: 1,000,000 embeddings of 1,024 dimensions


class BadArraysError(ValueError):
    """A file that is damaged, takes too much memory, or holds objects instead of numbers and text."""


def read_arrays(source: bytes | Path) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file; nothing is unpickled.

    Args:
        source: The file, or its content.

    Raises:
        FileNotFoundError: If there is no such file.
        BadArraysError: If it is damaged, would unpack to more than :data:`MAX_BYTES`, or holds objects.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > MAX_BYTES:
            raise ValueError(f'it would unpack to {size:,} bytes')
        with np.load(
            io.BytesIO(source) if isinstance(source, bytes) else source, allow_pickle=False
        ) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError:
        raise
    except DAMAGES as error:
        raise BadArraysError(str(error) or type(error).__name__) from error


def read_array(data: bytes) -> np.ndarray:
    """Return the array of an .npy file's content; nothing is unpickled.

    Raises:
        BadArraysError: If it is damaged, or holds objects.
    """
    try:
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except DAMAGES as error:
        raise BadArraysError(str(error) or type(error).__name__) from error


#: What numpy and zipfile raise, whatever is wrong: a header may claim any size, and nest at will.
DAMAGES = (
    ArithmeticError, EOFError, KeyError, MemoryError, NotImplementedError, OSError, RecursionError,
    SyntaxError, TypeError, ValueError, tokenize.TokenError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip
