"""The option ``storage`` of data sets."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from dacl_mm.errors import UserError


@dataclass(frozen=True)
class StorageOption:
    """Where decoded images are kept, and how much of it they may take.

    Args:
        where: 'disk' (a memory-mapped file in the cache folder, which later runs
            find) or 'memory' (shared memory, for as long as any process uses it).
        limit_gb: Bytes of pixels of one official part, in 10^9; what takes more is
            not stored at all.
    """

    where: str = 'disk'
    limit_gb: float = 8

    @classmethod
    def of(cls, option: Mapping[str, Any]) -> 'StorageOption':
        """Read the option.

        Raises:
            UserError: If a key or a value is none of those above.
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(option, Mapping) or set(option) - set(known):
            raise UserError(f'storage must be None or a dict of {", ".join(known)}, got {option!r}')
        self = cls(**option)
        if self.where not in ('disk', 'memory'):
            raise UserError(f"storage.where must be 'disk' or 'memory', got {self.where!r}")
        if not isinstance(self.limit_gb, (int, float)) or not self.limit_gb > 0:
            raise UserError(f'storage.limit_gb must be a positive number, got {self.limit_gb!r}')
        return self
