"""Runs on a Ray cluster whose nodes share the work dir."""

import logging
import os
import subprocess
from collections.abc import Mapping
from typing import Any

from dacl_mm.comparison.plan.runs import Run
from dacl_mm.errors import UserError

from .executors import job_command

#: A task is started again this often after its node was lost.
RETRIES = 20


def _execute(run: Run) -> int:
    """Execute a run on a node and return its exit status."""
    with open(run.log, 'a') as log:
        log.write(f'on {os.uname().nodename}, process {os.getpid()}\n')
        log.flush()
        done = subprocess.run(
            job_command(run), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
        )
        return done.returncode


class RayExecutor:
    """Tasks of a Ray cluster; those of a lost node run again, from their last checkpoint.

    Every node needs dacl_mm, the data and the work dir under the same paths.

    Args:
        address: Of the cluster: 'auto', or HOST:PORT.
        resources: What a run takes: ``num_cpus``, ``num_gpus`` and further options of
            Ray's tasks. Default: one CPU, and one GPU where the cluster has any.

    Raises:
        UserError: If Ray is not installed, the cluster is not there, or takes no run.
    """

    def __init__(self, address: str, resources: Mapping[str, float] | None = None):
        try:
            import ray
        except ImportError:
            raise UserError("--ray needs Ray: pip install 'dacl-mm[ray]'") from None
        self._ray = ray
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, RuntimeError) as error:
            raise UserError(f'--ray {address}: no Ray cluster answers there ({error})') from error
        there = ray.cluster_resources()  # type: ignore[no-untyped-call]
        wanted = dict(resources or dict(num_cpus=1, num_gpus=int(there.get('GPU', 0) > 0)))
        self.capacity = min(
            int(there.get(name, 0) // wanted[key])
            for key, name in (('num_cpus', 'CPU'), ('num_gpus', 'GPU'))
            if wanted.get(key)
        )
        if self.capacity < 1:
            raise UserError(f'--ray {address}: the cluster has {there}, a run takes {wanted}')
        self._task = ray.remote(_execute).options(max_retries=RETRIES, **wanted)
        self._references: dict[Any, Run] = {}

    def start(self, run: Run) -> None:
        self._references[self._task.remote(run)] = run

    def ended(self) -> list[tuple[Run, int]]:
        if not self._references:
            return []
        done, _ = self._ray.wait(list(self._references), num_returns=len(self._references), timeout=0)
        return [(self._references.pop(reference), self._status(reference)) for reference in done]

    def _status(self, reference: Any) -> int:
        try:
            return int(self._ray.get(reference))
        except self._ray.exceptions.RayError as error:
            print(error)
            return -1

    def stop(self) -> None:
        for reference in self._references:
            self._ray.cancel(reference, force=True)
        self._references.clear()
        self._ray.shutdown()
