"""Images decoded once, kept as uint8 BGR at the size of their files, and shared by all processes."""

from .option import StorageOption
from .pixels import StoredPixels
from .store import stored_pixels

__all__ = ['StorageOption', 'StoredPixels', 'stored_pixels']
