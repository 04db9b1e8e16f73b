"""tools/slurm_train.sh as far as it goes without Slurm: programs of its names stand in."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import REPO, TINY

SCRIPT = REPO / 'tools' / 'slurm_train.sh'
CONFIG = REPO / 'configs' / 'dacl_r18_synthetic.py'
NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >> "$CALLS"\n'
#: Runs the command in its options' place, as one task, and hands signals on; like srun it replaces itself.
SRUN = NOTE + 'while [ "${1#--}" != "$1" ]; do shift; done\n"$@" & pid=$!\ntrap "kill -TERM $pid" TERM\n'
SRUN += 'wait $pid; s=$?; while kill -0 $pid 2>/dev/null; do wait $pid; s=$?; done; exit $s\n'


@pytest.fixture
def slurm(tmp_path):
    """Return an environment with sbatch, srun and scontrol on the path, and what they are called with."""
    programs, calls = tmp_path / 'bin', tmp_path / 'calls'
    programs.mkdir()
    for name, text in dict(sbatch=NOTE, scontrol=NOTE, srun=SRUN).items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ['PATH']])
    env = {key: value for key, value in os.environ.items() if not key.startswith('SLURM_')}
    return env | dict(PATH=path, CALLS=str(calls)), lambda: calls.read_text().splitlines()


def test_outside_of_a_job_it_submits_itself(slurm, tmp_path):
    env, calls = slurm
    command = ['bash', str(SCRIPT), 'gpu', 'name', 'my config.py', 'work', '--amp']
    subprocess.run(command, env=env, check=True, cwd=tmp_path)
    (call,) = calls()
    assert call.startswith('sbatch --partition=gpu --job-name=name ')
    assert '--requeue' in call and '--signal=B:TERM@120' in call
    again = shlex.split(call.partition('--wrap=')[2])
    assert again == ['exec', 'bash', str(SCRIPT), 'gpu', 'name', 'my config.py', 'work', '--amp']


@pytest.mark.parametrize(('status', 'requeued'), [(0, False), (2, False), (75, True), (143, True)])
@pytest.mark.parametrize('restarts', [0, 1])
def test_it_requeues_what_has_saved_and_resumes_it(slurm, tmp_path, status, requeued, restarts):
    env, calls = slurm
    (tmp_path / 'bin' / 'python').write_text(f'#!/bin/sh\nexit {status}\n')
    (tmp_path / 'bin' / 'python').chmod(0o755)
    env |= dict(SLURM_JOB_ID='42', SLURM_RESTART_COUNT=str(restarts))
    done = subprocess.run(['bash', str(SCRIPT), 'gpu', 'name', 'c.py', 'work', '--amp'], env=env)
    assert done.returncode == status
    srun, *rest = calls()
    assert ('--resume' in srun) == (restarts > 0) and srun.endswith('--amp')
    assert rest == ['scontrol requeue 42'] * requeued


def logged(work: Path) -> int:
    """Return the lines of the last process, of which a resumed one begins with those before."""
    files = sorted(work.glob('*/vis_data/scalars.json'))
    return len(files[-1].read_text().splitlines()) if files else 0


@pytest.mark.slow
@pytest.mark.promise(
    'Any interruption',
    'preempted by Slurm (SIGTERM to the batch script)',
    'the step is saved, the job requeued, and the next one goes on from there',
)
def test_a_preempted_job_saves_and_goes_on(slurm, tmp_path):
    """The launcher that train.py is told, slurm, becomes none: it would ask scontrol for its address."""
    env, calls = slurm
    srun = tmp_path / 'bin' / 'srun'
    srun.write_text(SRUN.replace('"$@" &', 'set -- $(echo "$@" | sed "s/--launcher slurm//"); "$@" &'))
    work = tmp_path / 'work'
    options = [*TINY, 'train_cfg.max_epochs=40', 'param_scheduler.total_steps=40']
    command = ['bash', str(SCRIPT), 'gpu', 'name', str(CONFIG), str(work), '--cfg-options', *options]
    env |= dict(SLURM_JOB_ID='42')
    for restarts in ('0', '1'):
        process = subprocess.Popen(
            command, env=env | dict(SLURM_RESTART_COUNT=restarts), stderr=subprocess.PIPE, text=True
        )
        deadline = time.monotonic() + 200
        begun = logged(work)
        # One line may be of a validation that is made up for, before the first step.
        while logged(work) < begun + 2 and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read()[-3000:]
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 75, errors[-3000:]
        assert 'and saved; go on with' in errors
    assert 'resumed epoch: ' in max(work.glob('*/*.log')).read_text()
    assert calls().count('scontrol requeue 42') == 2
