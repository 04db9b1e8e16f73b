"""Trainings that are stopped, or run out of disk, in the middle of a write."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import REPO
from mmengine.hooks import Hook
from small_runner import Linear, make_runner

from dacl_mm.engine.checkpoint.resume import latest_checkpoint
from dacl_mm.engine.checkpoint.run import step_checkpoints
from dacl_mm.engine.launch import files_on_disk
from dacl_mm.errors import FileError

#: Epochs of milliseconds, and checkpoints that take longer: one is always being written.
TRAINING = """
import sys
from small_runner import make_runner
from test_broken_off import wide
from dacl_mm.engine.launch import files_on_disk
runner = make_runner(sys.argv[1], epochs=10_000, model=wide())
with files_on_disk(runner):
    runner.train()
"""


def wide() -> Linear:
    """Return a model of 16 MB."""
    model = Linear()
    model.wide = torch.nn.Linear(2000, 2000)
    return model


def stopped_while_writing(folder: Path, share: float) -> tuple[subprocess.Popen, Path]:
    """Start a training, and stop it when a share of a checkpoint has been written.

    Returns:
        The stopped process and the half-written file, of the third epoch or a later one.
    """
    env = os.environ | dict(PYTHONPATH=f'{REPO}:{REPO / "tests"}:{Path(__file__).parent}')
    process = subprocess.Popen(
        [sys.executable, '-c', TRAINING, str(folder)],
        env=env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and process.poll() is None:
        for partial in folder.glob('.*.epoch_*.pth.tmp'):
            if (wrote := size(partial)) and wrote >= share * 16e6 and epoch(partial) > 2:
                process.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WNOWAIT)
                if partial.exists():
                    return process, partial
                process.send_signal(signal.SIGCONT)
        time.sleep(0.001)
    process.kill()
    raise AssertionError(f'never seen in the middle of a write; ended with {process.wait()}')


def size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def epoch(partial: Path) -> int:
    return int(partial.name.split('_')[-1].split('.')[0])


@pytest.mark.promise(
    'Any interruption',
    'killed (SIGKILL) when part of a checkpoint is written',
    'the one before is whole, and training goes on from it',
)
@pytest.mark.parametrize('share', [1e-6, 0.5, 0.99])
def test_a_kill_leaves_the_newest_complete_checkpoint_and_training_goes_on(tmp_path, share):
    process, partial = stopped_while_writing(tmp_path, share)
    process.kill()
    process.wait()
    newest = latest_checkpoint(tmp_path)
    assert newest == tmp_path / f'epoch_{epoch(partial) - 1}.pth'
    assert torch.load(newest, weights_only=True)['state_dict']['wide.weight'].shape == (2000, 2000)
    make_runner(tmp_path, epochs=epoch(partial), model=wide(), resume=newest).train()
    assert list(step_checkpoints(tmp_path).values()) == [(epoch(partial), 0)]
    assert not list(tmp_path.glob('.*.tmp')) and not (tmp_path / 'earlier_runs').exists()


def test_ctrl_c_waits_for_the_file_that_is_being_written(tmp_path):
    process, partial = stopped_while_writing(tmp_path, 0.1)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    process.wait(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert not list(tmp_path.glob('.*.tmp'))
    newest = latest_checkpoint(tmp_path)
    assert step_checkpoints(tmp_path)[newest] >= (epoch(partial), 0)
    assert (tmp_path / 'last_checkpoint').read_text() == str(newest)


class FullDisk(Hook):
    """Fails every write beyond a size from one epoch on, as a disk that fills up does."""

    def __init__(self, epoch: int):
        self.epoch = epoch

    def before_train_epoch(self, runner):
        if runner.epoch + 1 == self.epoch:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))


@pytest.fixture
def limit():
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.promise(
    'Any interruption',
    'the disk fills up during training',
    'an error names the file; the checkpoint before is whole',
)
@pytest.mark.usefixtures('limit')
@pytest.mark.parametrize('background', [True, False])
@pytest.mark.parametrize('epochs', [2, 9])
def test_a_full_disk_ends_the_training_and_leaves_the_checkpoint_before(tmp_path, epochs, background):
    runner = make_runner(
        tmp_path,
        epochs=epochs,
        model=wide(),
        checkpoint=dict(background=background),
        settings=dict(selection_metric=None),  # no best one
    )
    runner.register_hook(FullDisk(epoch=2))
    message = r'epoch_2\.pth was not written: File too large; free some disk'
    with pytest.raises(FileError, match=message), files_on_disk(runner):
        runner.train()
    assert runner.epoch == (2 if background else 1)  # counted on when what follows an epoch has ended
    assert list(step_checkpoints(tmp_path).values()) == [(1, 0)] and not list(tmp_path.glob('.*.tmp'))
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'
