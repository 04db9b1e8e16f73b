"""Log lines that a person can read."""

from typing import Any

from mmengine.runner import LogProcessor, Runner
from mmpretrain.registry import LOG_PROCESSORS


@LOG_PROCESSORS.register_module()
class ShortLogProcessor(LogProcessor):
    """mmengine's LogProcessor with the per-class numbers left to a table of their own.

    Files and other backends keep them.
    """

    def get_log_after_epoch(
        self, runner: Runner, batch_idx: int, mode: str, with_non_scalar: bool = False
    ) -> tuple[dict[str, Any], str]:
        """Return the values by name, and the line."""
        values, line = super().get_log_after_epoch(runner, batch_idx, mode, with_non_scalar)
        return values, '  '.join(item for item in line.split('  ') if '/recall/' not in item)
