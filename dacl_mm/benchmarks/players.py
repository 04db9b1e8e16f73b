"""The trainings that take turns: a config's, and the plain loop's."""

import itertools
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from mmengine.hooks import CheckpointHook, Hook
from mmengine.registry import RUNNERS, init_default_scope
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.config import load_config
from dacl_mm.engine.launch import build_runner
from dacl_mm.engine.runner import ShortConsoleRunner

from .plain_loop import Training, loaders
from .setting import Setting
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
class CheckpointTimingRunner(ShortConsoleRunner):
    """A runner that tells how long checkpoint hooks keep its thread busy.

    Args:
        **kwargs: Those of :class:`ShortConsoleRunner`.
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


def run_config(connection: Connection, config: str, work_dir: str) -> None:
    """Train as a config says, in turns, until the other side hangs up."""
    init_default_scope('mmpretrain')
    cfg = load_config(config)
    cfg.runner_type, cfg.work_dir, cfg.log_level = 'CheckpointTimingRunner', work_dir, 'ERROR'
    runner = build_runner(cfg)
    assert isinstance(runner, CheckpointTimingRunner)
    runner.turns = Turns(connection)
    runner.register_hook(TurnHook(runner.turns))
    runner.train()


def run_plain(connection: Connection, setting: Setting, out: Path) -> None:
    """Train by the plain loop, in turns, until the other side hangs up."""
    out.mkdir()
    turns = Turns(connection)
    train, test = loaders(setting.data, setting.batch_size, setting.size, setting.workers)
    training = Training(len(train.dataset.classes), setting.size)  # type: ignore[attr-defined]
    for epoch in itertools.count(1):
        turns.next()
        training.train_epoch(train)
        accuracy = training.evaluate(test)['accuracy']
        with turns.checkpoint():
            training.save(out, epoch, accuracy)
