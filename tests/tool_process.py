"""Command-line tools in processes of their own, forked from one that has imported the package.

An import takes seconds, and a suite starts a hundred tools.
"""

import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

TIMEOUT = 500  # seconds
CONTEXT = get_context('forkserver')
CONTEXT.set_forkserver_preload(
    [
        'dacl_mm',
        'sklearn.metrics',
        *(f'dacl_mm.cli.{name}' for name in ('train', 'test', 'predict', 'verify_dataset')),
    ]
)


def run_script(script: str, args: Sequence[str], cwd: str, env: dict[str, str], out: str, err: str) -> None:
    """Become a Python that runs the script: folder, environment, arguments, output."""
    for target, name in ((1, out), (2, err)):
        file = os.open(name, os.O_WRONLY | os.O_APPEND)
        os.dup2(file, target)
        os.close(file)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [script, *args]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name='__main__')


def start(script: Path, args: Sequence[str], output: Path) -> Any:
    """Start a script, and return its process; what it prints goes to a file."""
    output.touch()
    where = (os.getcwd(), dict(os.environ), str(output), str(output))
    process = CONTEXT.Process(target=run_script, args=(str(script), [str(arg) for arg in args], *where))
    process.start()
    return process


def run(script: Path, args: Sequence[str], cwd=None, env=None) -> subprocess.CompletedProcess:
    """Run a script to its end; returns what :func:`subprocess.run` would."""
    with tempfile.NamedTemporaryFile('r') as out, tempfile.NamedTemporaryFile('r') as err:
        where = (str(cwd or os.getcwd()), dict(os.environ if env is None else env))
        process = CONTEXT.Process(target=run_script, args=(str(script), args, *where, out.name, err.name))
        process.start()
        process.join(TIMEOUT)
        if process.is_alive():
            process.kill()
            raise subprocess.TimeoutExpired([script, *args], TIMEOUT)
        return subprocess.CompletedProcess([script, *args], process.exitcode, out.read(), err.read())
