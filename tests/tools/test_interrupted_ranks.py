"""Two processes that train together, one of which is asked to stop, or whose folder is taken."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPO
from same_run import assert_same_run
from tiny_config import write_config

from dacl_mm.files import file_lock


def start(config: Path, work: Path, *options: str) -> subprocess.Popen:
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = str(free.getsockname()[1])
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    command = ['bash', REPO / 'tools/dist_train.sh', config, '2', '--work-dir', work, *options]
    return subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, 'PORT': port, 'PATH': path, 'OMP_NUM_THREADS': '1'},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def finished(process: subprocess.Popen) -> str:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out[-4000:]
    return out


def rank_process(launcher: int, rank: int) -> int:
    """Return the id of a rank's process."""
    for entry in Path('/proc').iterdir():
        try:
            env = (entry / 'environ').read_bytes().split(b'\0')
            command = (entry / 'cmdline').read_bytes()
            parent = int((entry / 'stat').read_text().rsplit(')', 1)[1].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if b'train.py' in command and f'RANK={rank}'.encode() in env and parent == launcher:
            return int(entry.name)
    raise AssertionError(f'no process of rank {rank}')


def training_launcher(shell: int) -> int:
    children = Path(f'/proc/{shell}/task/{shell}/children').read_text().split()
    return int(children[0]) if children else shell


def lines(work: Path) -> list[dict]:
    return [json.loads(row) for file in work.glob('*/vis_data/scalars.json') for row in file.open()]


@pytest.mark.slow
@pytest.mark.promise(
    'Any interruption',
    'two processes (DDP), one of which gets SIGTERM',
    'both stop at the same step, which is saved; resumed, they end bit-identical',
)
def test_both_stop_at_one_step_and_go_on_to_the_same_end(tmp_path):
    config = write_config(tmp_path / 'tiny.py', 320, epochs=3, workers=1)
    whole, cut = tmp_path / 'whole', tmp_path / 'cut'
    finished(start(config, whole))
    process = start(config, cut)
    deadline = time.monotonic() + 200
    while len(lines(cut)) < 7 and time.monotonic() < deadline:  # in the second epoch
        assert process.poll() is None, process.stdout.read()[-4000:]
        time.sleep(0.01)
    os.kill(rank_process(training_launcher(process.pid), 1), signal.SIGTERM)
    out, _ = process.communicate(timeout=200)
    assert 'exitcode  : 75' in out and 'go on with the same command and --resume' in out, out[-4000:]
    (saved,) = cut.glob('autosave_*.pth')
    assert 'resumed epoch: ' in finished(start(config, cut, '--resume'))
    assert not saved.exists()
    assert_same_run(whole, cut)


@pytest.mark.slow
@pytest.mark.promise(
    'Any interruption',
    'two processes (DDP) start in the work dir of a training',
    'they are refused, and the one that trains is named',
)
def test_a_taken_folder_refuses_both(tmp_path):
    config = write_config(tmp_path / 'tiny.py', 64, epochs=1)
    with file_lock(tmp_path / 'work' / '.training.lock', 'training'):
        process = start(config, tmp_path / 'work')
        out, _ = process.communicate(timeout=200)
    assert (
        process.returncode and f'another training works in {tmp_path / "work"} (process {os.getpid()}' in out
    )
    assert not list((tmp_path / 'work').glob('*.pth'))
