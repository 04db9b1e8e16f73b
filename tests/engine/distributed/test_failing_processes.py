"""One process that fails ends the others, and says why."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import REPO
from layouts import rafdb
from mmengine.config import Config
from mmengine.dist import get_rank
from rank_processes import end_of, free_port, run_ranks, start_ranks
from rank_training import settings, trained

from dacl_mm.cli.run import run
from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.datasets.scan import facts
from dacl_mm.engine.distributed.restart import resume_after_restart
from dacl_mm.engine.distributed.start import join_by_gloo
from dacl_mm.errors import DatasetError
from dacl_mm.processes import on_main_process

SECONDS = 20  # far below any time-out of a process group
HOOKS = [dict(type='CenterUpdateHook'), dict(type='SyncBuffersHook')]


def command(folder: Path, how: str) -> None:
    """Train as a command does, until one process fails."""
    fails = dict(type='FailOnOne', how=how, at=3)
    run(lambda: trained(settings(folder, 4, custom_hooks=[*HOOKS, fails])))


@pytest.mark.promise(
    'Any number of processes',
    'one process is killed (SIGKILL), or fails while the others go on',
    'the others end within seconds; its message is on the console, and theirs say that they lost it',
)
@pytest.mark.parametrize(
    ('how', 'status', 'message'),
    [('mistake', 2, 'error: the disk of this process is full'), ('bug', 1, 'KeyError'), ('kill', -9, '')],
)
def test_one_that_fails_ends_the_others(tmp_path, how, status, message):
    processes, logs = start_ranks(tmp_path, 3, command, tmp_path, how)
    assert end_of(processes, SECONDS) == [2, status, 2]
    first, failed, last = (log.read_text() for log in logs)
    assert message in failed and ('Traceback' in failed) == (how == 'bug')
    for rank, said in ((0, first), (2, last)):
        assert f'error: process {rank} of 3 lost another one' in said and 'Traceback' not in said


class TwoWords(Exception):
    """Cannot be unpickled."""

    def __init__(self, one, other):
        super().__init__(f'{one} {other}')


def fail(error: Exception):
    raise error


def looks(root: Path) -> list[str]:
    """Look at a data set where the first process cannot, and return what is said of it."""
    join_by_gloo(Config())
    if get_rank() == 0:
        facts.examine = lambda table, i: fail(DatasetError('the disk went away'))
    said = []
    for function in (
        lambda: RAFDB(data_root=str(root), split='train'),
        lambda: on_main_process(lambda: fail(TwoWords('neither', 'nor'))),
    ):
        try:
            function()
        except (DatasetError, RuntimeError) as error:
            said.append(f'{type(error).__name__}: {error}')
    return [*said, on_main_process(lambda: get_rank())]


@pytest.mark.promise(
    'Any number of processes',
    'the first process fails while it looks at the data and the others wait',
    'all end with its message',
)
def test_all_hear_why_the_first_could_not_look_at_the_data(tmp_path, monkeypatch):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    rafdb(tmp_path / 'data')
    told = run_ranks(tmp_path, 3, looks, tmp_path / 'data', seconds=SECONDS)
    assert told == [['DatasetError: the disk went away', 'RuntimeError: TwoWords: neither nor', 0]] * 3


def test_only_checkpoints_of_this_launch_are_gone_on_from(tmp_path, monkeypatch):
    def answer(restarts: int, asked=None):
        monkeypatch.setenv('TORCHELASTIC_RESTART_COUNT', str(restarts))
        return resume_after_restart(tmp_path, asked)

    monkeypatch.setenv('DACL_LAUNCHED', str(int(time.time())))
    checkpoint = tmp_path / 'epoch_3.pth'
    checkpoint.touch()
    os.utime(checkpoint, (1e9, 1e9))  # an earlier run's
    assert answer(0) is None and answer(1) is None and answer(1, 'file.pth') == 'file.pth'
    (tmp_path / 'epoch_1.pth').touch()
    assert answer(0) is None and answer(1) == answer(1, 'file.pth') == 'auto'


def launch(work: Path, config: Path, **variables: str) -> subprocess.CompletedProcess:
    """Train by tools/dist_train.sh on two processes."""
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    python = os.pathsep.join([str(REPO / 'tests'), str(REPO)])
    env = {**os.environ, 'PORT': str(free_port()), 'PATH': path, 'OMP_NUM_THREADS': '1', 'PYTHONPATH': python}
    script = ['bash', str(REPO / 'tools/dist_train.sh'), str(config), '2', '--work-dir', str(work)]
    return subprocess.run(script, env=env | variables, capture_output=True, text=True, timeout=400)


def small_training(path: Path, how: str, at: int) -> Path:
    """Write the config of a training of 2 x 6 iterations, which fails in its first attempt."""
    hooks = [*HOOKS, dict(type='PlainCheckpointHook'), dict(type='FailOnOne', how=how, at=at)]
    cfg = settings(
        '',
        4,
        custom_hooks=hooks,
        default_hooks=dict(checkpoint=dict(type='AtomicCheckpointHook', interval=1)),
        custom_imports=dict(imports=['dacl_mm', 'rank_training'], allow_failed_imports=False),
    )
    left_out = ('work_dir', 'launcher', 'experiment_name')
    Config({key: value for key, value in cfg.items() if key not in left_out}).dump(path)
    return path


@pytest.mark.slow
@pytest.mark.promise(
    'Any number of processes',
    'one process is killed under torchrun, with MAX_RESTARTS=1',
    'all start anew, go on from the last checkpoint, and end with the same weights',
)
def test_torchrun_restarts_and_goes_on(tmp_path):
    ends = {}
    for name, at in (('killed', 9), ('whole', -1)):  # 9: in the second epoch
        config = small_training(tmp_path / f'{name}.py', 'kill', at)
        done = launch(tmp_path / name, config, MAX_RESTARTS='1')
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert ('resumed epoch: 1' in done.stdout + done.stderr) == (name == 'killed')
        ends[name] = torch.load(tmp_path / name / 'epoch_2.pth', weights_only=True)['state_dict']
    for name, value in ends['whole'].items():
        np.testing.assert_array_equal(ends['killed'][name], value, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ('how', 'cause'),
    [('mistake', 'error: the disk of this process is full'), ('kill', 'Signal 9 (SIGKILL)')],
)
def test_torchrun_ends_with_the_cause(tmp_path, how, cause):
    began = time.monotonic()
    done = launch(tmp_path / 'run', small_training(tmp_path / 'config.py', how, 9))
    assert done.returncode != 0 and time.monotonic() - began < 100
    assert cause in done.stderr and 'lost another one' in done.stderr
    assert 'SIGABRT' not in done.stderr and 'terminate called' not in done.stderr
