"""mmengine's runner with a console that a person can read."""

import logging
import sys
from typing import Any

from mmengine.logging import MMLogger
from mmengine.registry import RUNNERS
from mmengine.runner import Runner

#: What mmengine dumps at the start of each run, hundreds of lines: for the log file.
DUMPS = (
    'System environment:',
    'Config:\n',
    'Hooks will be executed in the following order:',
    'paramwise_options -- ',  # a line for each weight
)
#: Messages of the stack that a user cannot act on.
IDLE = (
    'Distributed training is not used, all SyncBatchNorm',  # said whether there is any or not
    '"FileClient" will be deprecated',  # mmengine's own use of its old interface
    '"HardDiskBackend" is the alias',  # likewise
    'Exp name: ',  # the name of the log folder, at every epoch
)


def for_people(record: logging.LogRecord) -> bool:
    """Whether a record belongs on the console: neither a dump nor idle."""
    head = record.getMessage()[:200]
    return not (head.startswith(IDLE) or any(dump in head for dump in DUMPS))


@RUNNERS.register_module()
class ShortConsoleRunner(Runner):
    """A runner whose dumps of environment, config and hooks go to the log file alone.

    Args:
        **kwargs: Those of :class:`mmengine.runner.Runner`.
    """

    def build_logger(
        self, log_level: int | str = 'INFO', log_file: str | None = None, **kwargs: Any
    ) -> MMLogger:
        """Build mmengine's logger; what is not :func:`for_people` stays off the console."""
        logger = super().build_logger(log_level, log_file, **kwargs)
        for handler in logger.handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stdout, sys.stderr):
                handler.addFilter(for_people)
        return logger
