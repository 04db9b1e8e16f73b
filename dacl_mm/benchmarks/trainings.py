"""The trainings whose epochs take turns: a config's, and the plain loop's."""

import itertools
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.hooks import CheckpointHook, Hook
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.engine.launch import build_runner
from dacl_mm.engine.memory import keep_freed_memory
from dacl_mm.engine.runner import FERRunner

from .plain_loop import Training, loaders
from .session import apart
from .setting import Setting
from .timing import DEVICE
from .turns import Turns


@HOOKS.register_module()
class TurnHook(Hook):
    """Lets a training run an epoch, with what follows it, when it is its turn."""

    priority = 'HIGHEST'

    def __init__(self, turns: Turns):
        self.turns = turns

    def before_train_epoch(self, runner: Runner) -> None:
        self.turns.next()


@RUNNERS.register_module()
class CheckpointTimingRunner(FERRunner):
    """A runner that tells how long checkpoint hooks keep its thread busy.

    Args:
        **kwargs: Those of :class:`FERRunner`.
    """

    turns: Turns

    def call_hook(self, fn_name: str, **kwargs: Any) -> None:
        """Call all hooks."""
        for hook in self.hooks:
            method = getattr(hook, fn_name, None)
            if method is None:
                continue
            # A hook that saves is busy already when mmengine asks what else is to be saved.
            if isinstance(hook, CheckpointHook) and fn_name != 'before_save_checkpoint':
                with self.turns.checkpoint():
                    method(self, **kwargs)
            else:
                method(self, **kwargs)


def run_config(connection: Connection, cfg: Config, folder: Path) -> None:
    """Train as a config says, in turns, until the other side hangs up.

    Args:
        connection: To the other side.
        cfg: Complete config.
        folder: Folder of the work dir.
    """
    init_default_scope('mmpretrain')
    if DEVICE == 'cpu':
        keep_freed_memory()  # as launch.train does
    cfg = apart(cfg, folder)
    cfg.runner_type = 'CheckpointTimingRunner'
    runner = build_runner(cfg)
    assert isinstance(runner, CheckpointTimingRunner)
    runner.turns = Turns(connection)
    runner.register_hook(TurnHook(runner.turns))
    runner.train()


def run_plain(connection: Connection, setting: Setting, folder: Path) -> None:
    """Train by the plain loop, in turns, until the other side hangs up."""
    turns = Turns(connection)
    train, test = loaders(setting.data, setting.batch_size, setting.size, setting.workers)
    training = Training(len(train.dataset.classes), setting.size)  # type: ignore[attr-defined]
    for epoch in itertools.count(1):
        turns.next()
        training.train_epoch(train)
        accuracy = training.evaluate(test)['accuracy']
        with turns.checkpoint():
            training.save(folder, epoch, accuracy)
