"""Trainings that a signal stops after any step, and that go on as if nothing had been."""

import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from same_run import assert_same_run
from small_runner import Linear, make_runner

from dacl_mm.engine.checkpoint.resume import latest_checkpoint
from dacl_mm.engine.launch import files_on_disk
from dacl_mm.engine.stop import STOP, Interrupted


class Noisy(Linear):
    """Its losses draw from all three global generators, as dropout and mixup do."""

    def forward(self, inputs, data_samples=None, mode='tensor'):
        out = super().forward(inputs, data_samples, mode)
        if mode == 'loss':
            out['loss_cls'] = out['loss_cls'] * (torch.rand(()) + np.random.rand() + random.random())
        return out


class Signal(Hook):
    """Sends a signal to its own process before an iteration, counted from 0, or at another point."""

    priority = 'VERY_HIGH'

    def __init__(self, at: int, point: str = 'before_train_iter', number: int = signal.SIGTERM):
        self.at, self.number = at, number
        setattr(self, point, self._send)

    def _send(self, runner, *args, **kwargs):
        if runner.iter == self.at:
            os.kill(os.getpid(), self.number)


def loader(**changes):
    """Four iterations an epoch of three samples, in an order of its own."""
    made = make_loader(12)
    return made | changes


def make_loader(repeats: int) -> dict:
    from small_runner import Points
    from torch.utils.data import Subset

    points = Subset(Points(), [i % 6 for i in range(repeats)])
    points.metainfo, points.CLASSES = points.dataset.metainfo, points.dataset.CLASSES
    return dict(
        batch_size=3,
        dataset=points,
        sampler=dict(type='ShuffleSampler'),
        collate_fn=dict(type='pseudo_collate'),
        num_workers=0,
        drop_last=True,
    )


def noisy(work: Path, resume=None, **options):
    return make_runner(work, model=Noisy(), resume=resume, **(dict(train_dataloader=loader()) | options))


def stopped(runner, at: int, point: str = 'before_train_iter', number: int = signal.SIGTERM) -> str:
    """Train until a signal has stopped it; return what is said."""
    runner.register_hook(Signal(at, point, number))
    with pytest.raises(Interrupted) as stop, STOP.listening(), files_on_disk(runner):
        runner.train()
    assert not STOP.made()
    return str(stop.value)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize('at', range(1, 12))
def test_stopped_at_any_step_it_goes_on_to_the_same_end(tmp_path, at, number):
    noisy(tmp_path / 'whole').train()
    cut = tmp_path / 'cut'
    assert f'iteration {at + 1}, and saved' in stopped(noisy(cut), at, number=number)
    noisy(cut, latest_checkpoint(cut)).train()
    assert_same_run(tmp_path / 'whole', cut)
