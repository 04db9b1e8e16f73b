"""Where runs are executed."""

import os
import subprocess
import sys
from collections import Counter
from typing import Protocol

import torch

from dacl_mm.comparison.plan.runs import Run
from dacl_mm.errors import UserError


class Executor(Protocol):
    """Starts runs and tells when they ended."""

    #: How many runs it takes at once.
    capacity: int

    def start(self, run: Run) -> None: ...

    def ended(self) -> list[tuple[Run, int]]:
        """Return the runs that ended since the last call, with their exit status."""

    def stop(self) -> None:
        """End whatever runs."""


def job_command(run: Run) -> list[str]:
    """Return the command of a run's process, which ends with this one."""
    return [sys.executable, '-m', 'dacl_mm.comparison.run.job', str(run.folder), str(os.getpid())]


class LocalExecutor:
    """Processes of this machine; they share its cores, and each takes the GPU with the fewest runs.

    Args:
        jobs: How many at once.

    Raises:
        UserError: If that is under 1.
    """

    def __init__(self, jobs: int = 1):
        if jobs < 1:
            raise UserError(f'--jobs must be at least 1, got {jobs}')
        self.capacity = jobs
        cores = len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1
        self._threads = str(max(cores // jobs, 1))
        visible = os.environ.get('CUDA_VISIBLE_DEVICES')
        count = torch.cuda.device_count()
        devices = visible.split(',') if visible else [str(i) for i in range(count)]
        self._devices = devices if count else []
        self._taken: dict[Run, str] = {}
        self._processes: dict[Run, subprocess.Popen[bytes]] = {}

    def start(self, run: Run) -> None:
        env = dict(os.environ)
        env.setdefault('OMP_NUM_THREADS', self._threads)
        if self._devices:
            load = Counter(self._taken.values())
            self._taken[run] = min(self._devices, key=lambda device: load[device])
            env['CUDA_VISIBLE_DEVICES'] = self._taken[run]
        with open(run.log, 'a') as log:
            self._processes[run] = subprocess.Popen(
                job_command(run), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env
            )

    def ended(self) -> list[tuple[Run, int]]:
        found = [(run, code) for run, p in self._processes.items() if (code := p.poll()) is not None]
        for run, _ in found:
            del self._processes[run]
            self._taken.pop(run, None)
        return found

    def stop(self) -> None:
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            process.wait()
        self._processes.clear()
