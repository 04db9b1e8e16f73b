"""A real training that is killed at ten random moments, half of them inside the write of a checkpoint."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
import tool_process
from conftest import REPO
from same_run import assert_same_run
from tiny_config import write_config

from dacl_mm.engine.checkpoint.run import step_checkpoints

SCRIPT = REPO / 'tools' / 'train.py'
KILLS = 10
EPOCH = 25  # iterations
QUIET = 'default_hooks.autosave.minutes=None'


def trained(work: Path) -> int:
    """Return the iterations that a resumption would not repeat."""
    epochs, iterations = max(step_checkpoints(work).values(), default=(0, 0))
    return epochs * EPOCH + iterations


def wait_for(seen, process, log: Path) -> None:
    deadline = time.monotonic() + 100
    while not seen():
        assert process.is_alive(), log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.0005)


def finish(process, log: Path) -> None:
    process.join(200)
    assert process.exitcode == 0, log.read_text()[-3000:]


@pytest.mark.slow
@pytest.mark.promise(
    'Any interruption',
    'killed (SIGKILL) at ten random moments, five of them inside the write of a checkpoint',
    'resumed each time, it ends bit-identical, with 0 and 2 loader processes',
)
@pytest.mark.parametrize('workers', [0, 2])
def test_killed_ten_times_it_ends_as_if_it_never_had_been(tmp_path, workers):
    config = write_config(tmp_path / 'tiny.py', 8 * EPOCH, epochs=4, workers=workers, minutes=0)
    whole, cut, log = tmp_path / 'whole', tmp_path / 'cut', tmp_path / 'log'
    finish(tool_process.start(SCRIPT, [config, '--work-dir', whole, '--cfg-options', QUIET], log), log)
    draw, torn = random.Random(workers), 0
    for kill in range(KILLS):
        until = trained(cut) + draw.randint(1, 6)
        process = tool_process.start(SCRIPT, [config, '--work-dir', cut, '--resume'], log)
        wait_for(lambda goal=until: trained(cut) >= goal, process, log)
        time.sleep(draw.uniform(0, 0.1))
        if kill % 2:
            wait_for(lambda: list(cut.glob('.*.pth.tmp')), process, log)
        assert process.is_alive(), 'it ended before it could be killed'
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        torn += bool(list(cut.glob('.*.pth.tmp')))
    finish(tool_process.start(SCRIPT, [config, '--work-dir', cut, '--resume'], log), log)
    assert torn >= 2, 'hardly a kill came inside a write'
    assert_same_run(whole, cut)
    assert not (cut / 'earlier_runs').exists()
