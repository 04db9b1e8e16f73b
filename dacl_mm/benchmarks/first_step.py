"""A hook that tells when training begins."""

import sys
import time
from pathlib import Path
from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.files import write_atomic


@HOOKS.register_module()
class FirstStepHook(Hook):
    """Ends the process where its first step would begin.

    Args:
        file: Gets the CPU seconds of the process until then; loader processes are not counted.
    """

    priority = 'LOWEST'

    def __init__(self, file: str):
        self.file = Path(file)

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        write_atomic(str(time.process_time()).encode(), self.file)
        sys.exit()
