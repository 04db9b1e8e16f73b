"""Trainings that are set up as usual and then stepped by hand."""

import itertools
from abc import ABC, abstractmethod
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner, autocast
from mmpretrain.registry import HOOKS

from dacl_mm.engine.launch import build_runner

from .plain_loop import Training, loaders
from .roofline import Work, count_work, limit
from .setting import Setting
from .timing import DEVICE, mean_seconds

COUNT = itertools.count()


def apart(cfg: Config, folder: Path) -> Config:
    """Return a copy of a config with a name and a work dir of its own, which logs errors alone."""
    cfg = deepcopy(cfg)
    name = f'run_{next(COUNT)}'
    cfg.work_dir, cfg.experiment_name, cfg.log_level = str(folder / name), name, 'ERROR'
    return cfg


class SetUpError(Exception):
    """Leaves a training that is set up."""


@HOOKS.register_module()
class StopBeforeFirstStepHook(Hook):
    """Ends a training where its first step would come."""

    priority = 'LOWEST'

    def before_train_epoch(self, runner: Runner) -> None:
        raise SetUpError


class Timed(ABC):
    """What can be measured of one batch: its parts are 'step', 'forward', 'predict' and 'read'."""

    @property
    @abstractmethod
    def optimizer(self) -> torch.optim.Optimizer:
        """The model's optimizer."""

    def time(self, part: str, calls: int = 1) -> float:
        """Return the mean seconds of some calls of a part."""
        return mean_seconds(getattr(self, part), calls)

    def work(self, part: str) -> Work:
        """Return the work of a part."""
        return count_work(getattr(self, part), self.optimizer if part == 'step' else None)

    def limit(self, part: str, side: str) -> str:
        """Return what a part waits for most, the roofline's side or Python."""
        return limit(getattr(self, part), side)


class Session(Timed):
    """A training of a config, as ``tools/train.py`` sets it up, at its first step.

    Args:
        cfg: Complete config.
        folder: Folder of its work dir.
        workers: Whether to read by the config's loader processes, else in this one.
    """

    def __init__(self, cfg: Config, folder: Path, workers: bool = False):
        cfg = apart(cfg, folder)
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='StopBeforeFirstStepHook')]
        for part in () if workers else ('train', 'val', 'test'):
            cfg[f'{part}_dataloader'].update(num_workers=0, persistent_workers=False)
        self.runner = build_runner(cfg)
        with suppress(SetUpError):
            self.runner.train()
        self.train_batch = next(iter(self.runner.train_dataloader))
        self.test_batch = next(iter(self.runner.val_dataloader))

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        optimizer: torch.optim.Optimizer = self.runner.optim_wrapper.optimizer
        return optimizer

    def read(self) -> None:
        """Read a training batch in this process."""
        next(iter(self.runner.train_dataloader))

    def read_all(self) -> None:
        """Read every training batch, as the model takes it."""
        for batch in self.runner.train_dataloader:
            self.runner.model.data_preprocessor(batch, True)

    def step(self) -> None:
        """Train on the batch, with everything that hooks do at a step."""
        self.runner.model.train()
        self.runner.train_loop.run_iter(0, self.train_batch)

    def forward(self) -> None:
        """Compute the losses of the batch."""
        model = self.runner.model
        model.train()
        with self.runner.optim_wrapper.optim_context(model):
            model(**model.data_preprocessor(self.train_batch, True), mode='loss')

    @torch.no_grad()
    def predict(self) -> None:
        """Predict the test batch."""
        model = self.runner.model
        model.eval()
        with autocast(enabled=self.runner.val_loop.fp16):
            model.val_step(self.test_batch)


class PlainSession(Timed):
    """The plain loop at its first step.

    Args:
        setting: Images and their size.
        batch_size: Images of a batch, if not the setting's.
    """

    def __init__(self, setting: Setting, batch_size: int | None = None):
        self._train, test = loaders(setting.data, batch_size or setting.batch_size, setting.size, workers=0)
        self.training = Training(len(self._train.dataset.classes), setting.size)  # type: ignore[attr-defined]
        self.images, self.target = next(iter(self._train))
        self.test_images = next(iter(test))[0]

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        return self.training.optimizer

    def read(self) -> None:
        """Read a training batch in this process."""
        next(iter(self._train))

    def step(self) -> None:
        """Train on the batch, with all that is noted at a step."""
        self.training.model.train()
        self.training.step(self.images, self.target)

    def forward(self) -> None:
        """Compute the losses of the batch."""
        self.training.model.train()
        self.training.losses(self.images.to(DEVICE), self.target.to(DEVICE))

    @torch.no_grad()
    def predict(self) -> None:
        """Predict the test batch by the classifier alone."""
        self.training.model.eval()
        self.training.model.classify(self.test_images.to(DEVICE))
