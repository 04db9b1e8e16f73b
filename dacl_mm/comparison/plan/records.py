"""The JSON files of a comparison: always valid, written in one step, named when damaged."""

import json
import math
from pathlib import Path
from typing import Any

from dacl_mm.errors import ComparisonError
from dacl_mm.files import write_atomic


def read_json(path: Path) -> dict[str, Any] | None:
    """Read an object; None where there is no file.

    Raises:
        ComparisonError: If the file is damaged.
    """
    try:
        found = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise ComparisonError(f'{path} is damaged ({error}): {AGAIN}') from error
    if not isinstance(found, dict):
        raise ComparisonError(f'{path} is damaged (it holds no object): {AGAIN}')
    return found


AGAIN = 'delete it and repeat the command, which makes it again'


def write_json(value: dict[str, Any], path: Path) -> None:
    """Write an object; JSON has no NaN and no infinity, they become null."""
    write_atomic(json.dumps(finite(value), indent=1, allow_nan=False).encode(), path)


def finite(value: Any) -> Any:
    """Replace every number that JSON cannot hold by None."""
    if isinstance(value, dict):
        return {key: finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
