import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tool_process
import torch
from mmengine.registry import init_default_scope

from dacl_mm.benchmarks.machine import Machine
from dacl_mm.benchmarks.setting import Setting

REPO = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get('DACL_SHARED', REPO.parent / 'shared'))
# A ResNet-18 of two batches: enough for whole runs through the command lines.
TINY = [
    'train_dataloader.dataset.num_images=64',
    'val_dataloader.dataset.num_images=28',
    'test_dataloader.dataset.num_images=28',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
    'test_dataloader.num_workers=0',
    'model.head.attention.hidden_channels=[32,16,8]',
]


# Workers side by side share the cores: threads that wait for one another spin.
THREADS = max(1, (os.cpu_count() or 1) // int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', 1)))
os.environ['OMP_NUM_THREADS'] = str(THREADS)  # of the processes that tests start
# A shell's background jobs ignore Ctrl-C, and so would all that tests start and then interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def reproducible():
    torch.manual_seed(0)
    torch.set_num_threads(THREADS)


def run_tool(name: str, *args: object, check: bool = True, **kwargs) -> subprocess.CompletedProcess:
    """Run a command-line tool as a user does; ``cwd`` and ``env`` as for subprocess."""
    command = [REPO / 'tools' / f'{name}.py', [str(arg) for arg in args]]
    done = tool_process.run(*command, **kwargs)
    if check and done.returncode:
        raise AssertionError(
            f'{command} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}'
        )
    return done


@pytest.fixture(scope='session')
def faces(tmp_path_factory):
    """Write real faces in a layout: ``faces('rafdb', train=100, test=50)``."""
    script = SHARED / 'tools' / 'fer_layouts.py'
    if not script.is_file():
        pytest.skip(f'no real faces: {script} does not exist')

    def write(layout: str, **options) -> Path:
        out = tmp_path_factory.mktemp(layout)
        flags = [f'--{k}={v}' for k, v in options.items()]
        subprocess.run(
            [sys.executable, str(script), layout, str(out), *flags], check=True, capture_output=True
        )
        return out

    return write


@pytest.fixture(autouse=True, scope='session')
def own_cache(tmp_path_factory):
    """Indices of test data go to a folder of their own."""
    os.environ['DACL_CACHE'] = str(tmp_path_factory.mktemp('cache'))


@pytest.fixture(scope='module')
def setting(tmp_path_factory):
    """The smallest setting of a benchmark, on a machine of known rates."""
    init_default_scope('mmpretrain')
    folder = tmp_path_factory.mktemp('benchmark')
    smallest = dict(rounds=2, batch_size=4, size=32, train=14, test=7, workers=0, variants=('bfloat16',))
    setting = Setting(folder, **smallest)
    vars(setting)['machine'] = Machine(1e11, 2e11, 1e10)
    return setting
