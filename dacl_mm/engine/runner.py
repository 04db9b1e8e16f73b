"""mmengine's runner as trainings here need it: console, loading, compiling, loops."""

import logging
import sys
from typing import Any

from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.optim import OptimWrapper, OptimWrapperDict
from mmengine.registry import RUNNERS
from mmengine.runner import Runner
from mmengine.runner.base_loop import BaseLoop

from dacl_mm.text import printable_lines
from dacl_mm.unpickling import unpickling_forbidden

from .compiled import compile_networks
from .loops import ExactEpochLoop, ExactIterLoop
from .momentum import start_momentum

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
    'Resumed iteration number is not divisible',  # checkpoints hold the gradients it takes for lost
)


def for_people(record: logging.LogRecord) -> bool:
    """Whether a record belongs on the console: neither a dump nor idle."""
    head = record.getMessage()[:200]
    return not (head.startswith(IDLE) or any(dump in head for dump in DUMPS))


def made_printable(record: logging.LogRecord) -> bool:
    """Keep a record, without what a terminal would obey."""
    record.msg, record.args = printable_lines(record.getMessage()), ()
    return True


@RUNNERS.register_module()
class FERRunner(Runner):
    """mmengine's runner, whose dumps of environment, config and hooks go to the log file alone.

    It loads checkpoints without executing anything of them, and gives fused SGD its first momentum.
    ``compile=True`` of the config, or a dict of :func:`torch.compile`'s arguments, compiles the networks
    for training: :func:`~dacl_mm.engine.compiled.compile_networks`. ``train_cfg`` with ``by_epoch`` gives
    the loops of :mod:`dacl_mm.engine.loops`.

    Args:
        **kwargs: Those of :class:`mmengine.runner.Runner`.
    """

    def build_logger(
        self, log_level: int | str = 'INFO', log_file: str | None = None, **kwargs: Any
    ) -> MMLogger:
        """Build mmengine's logger; what is not :func:`for_people` stays off the console."""
        logger = super().build_logger(log_level, log_file, **kwargs)
        for handler in logger.handlers:
            handler.addFilter(made_printable)
            if isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stdout, sys.stderr):
                handler.addFilter(for_people)
        return logger

    def register_default_hooks(self, hooks: dict[str, Any] | None = None) -> None:
        """Register them; None leaves any of them out, where upstream knows its own six alone."""
        hooks = {name: Hook() if hook is None else hook for name, hook in (hooks or {}).items()}
        super().register_default_hooks(hooks)

    def load_checkpoint(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Load as mmengine's runner does, without executing what the file contains, from a URL too."""
        with unpickling_forbidden():
            checkpoint: dict[str, Any] = super().load_checkpoint(*args, **kwargs)
        return checkpoint

    def build_optim_wrapper(self, optim_wrapper: Any) -> OptimWrapper | OptimWrapperDict:
        """Build the wrapper; fused SGD starts with a momentum of zero (:func:`start_momentum`)."""
        wrapper = super().build_optim_wrapper(optim_wrapper)
        if isinstance(wrapper, OptimWrapper):
            start_momentum(wrapper.optimizer)
        return wrapper

    def _maybe_compile(self, target: str) -> None:
        """Compile the networks, where upstream compiles the whole step, its optimizer and hooks with it."""
        options = self.cfg.get('compile')
        if options:
            compile_networks(self.model, {} if options is True else dict(options))
            self.logger.info('backbone and attention are compiled during the first iterations')

    def build_train_loop(self, loop: BaseLoop | dict[str, Any]) -> BaseLoop:
        """Build the loop, by default one that can begin at any iteration."""
        if isinstance(loop, dict) and 'type' not in loop:
            loop = dict(loop)
            loop['type'] = ExactEpochLoop if loop.pop('by_epoch') else ExactIterLoop
        return super().build_train_loop(loop)
