"""Finished runs on corrupted images: python -m dacl_mm.comparison.run.robustness FOLDER PARENT

Each in its own process, which writes ``robustness.json`` last; one that has it is left alone.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config

from dacl_mm.comparison.plan.records import read_json, write_json
from dacl_mm.comparison.plan.runs import Run
from dacl_mm.engine.robustness import FILE, set_robustness, test_robustness
from dacl_mm.errors import ComparisonError
from dacl_mm.files import file_lock
from dacl_mm.processes import end_with
from dacl_mm.unpickling import unpickling_forbidden

from .job import WEIGHTS, testing_runner


def corrupt_runs(runs: Sequence[Run]) -> list[Run]:
    """Test the finished runs on corrupted images, one after the other on this machine.

    Returns:
        Those that failed; their logs say why.
    """
    failed = []
    waiting = [run for run in runs if run.result() is not None and read_json(run.folder / FILE) is None]
    for i, run in enumerate(waiting, 1):
        print(f'{run.name}: corrupted images, {i} of {len(waiting)}', flush=True)
        command = [sys.executable, '-m', __name__, str(run.folder), str(os.getpid())]
        with open(run.log, 'a') as log:
            done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        if done.returncode:
            print(
                f'{run.name}: FAILED (status {done.returncode}): {run.error()}\n  the whole is in {run.log}'
            )
            failed.append(run)
    return failed


def main() -> None:
    """Test the run of the folder that the command line names."""
    folder = Path(sys.argv[1])
    end_with(int(sys.argv[2]))
    torch.set_num_threads(int(os.environ.get('OMP_NUM_THREADS', torch.get_num_threads())))
    with unpickling_forbidden(), file_lock(folder / '.lock', 'process', seconds=60):
        cfg = Config.fromfile(folder.with_suffix('.py'))
        trained = Run(folder=folder, **cfg.comparison).trained
        weights = trained / WEIGHTS
        if not weights.is_file():
            raise ComparisonError(f'{weights} is missing: delete {trained} and repeat the command')
        set_robustness(cfg)
        write_json(test_robustness(testing_runner(cfg, weights)), folder / FILE)


if __name__ == '__main__':
    main()
