"""All runs of a comparison, once each."""

import time
from collections.abc import Sequence
from typing import Any

from dacl_mm.comparison.plan.records import read_json, write_json
from dacl_mm.comparison.plan.runs import Run

from .executors import Executor
from .progress import Board
from .record import set_aside_damaged

FAILURE = 'failed.json'


def failure(run: Run) -> dict[str, Any] | None:
    """Return how a run failed: ``status`` and ``log_end``; None if it did not."""
    return read_json(run.folder / FAILURE)


def execute(runs: Sequence[Run], executor: Executor, poll_seconds: float = 0.5) -> None:
    """Execute the runs that are not finished; those that failed before are tried again.

    A failed run is noted in its folder and does not stop the others. On an
    interruption what runs is ended; the next call goes on. Damaged files are set
    aside, and what they held is made again.
    """
    damaged = [path for run in runs for path in set_aside_damaged(run)]
    ended = {run for run in runs if run.result() is not None}
    waiting = [run for run in runs if run not in ended]
    running: list[Run] = []
    with Board(runs, executor.capacity) as board:
        for path in damaged:
            board.say(f'a damaged file, now {path}, is made again')
        board.say(f'{len(runs)} runs, {len(ended)} of them finished before')
        try:
            while waiting or running:
                while len(running) < executor.capacity and (run := _first_ready(waiting, running)):
                    waiting.remove(run)
                    (run.folder / FAILURE).unlink(missing_ok=True)
                    executor.start(run)
                    running.append(run)
                for run, status in executor.ended():
                    running.remove(run)
                    ended.add(run)
                    _close(run, status, board)
                board.show(running, ended)
                time.sleep(poll_seconds)
        except KeyboardInterrupt:
            board.say('interrupted; the same command goes on from here')
            raise
        finally:
            executor.stop()


def _first_ready(waiting: Sequence[Run], running: Sequence[Run]) -> Run | None:
    """Return the first run that waits for the weights of no other."""
    busy = {run.folder for run in [*waiting, *running]}
    return next((run for run in waiting if run.weights_of is None or run.trained not in busy), None)


def _close(run: Run, status: int, board: Board) -> None:
    result = run.result()
    if result is not None:  # written last
        accuracy = result['metrics']['accuracy/top1']
        board.say(f'{run.name}: finished, test accuracy {accuracy:.2f} (epoch {result["selected_epoch"]})')
        return
    write_json(dict(status=status, log_end=run.log_end()), run.folder / FAILURE)
    board.say(f'{run.name}: FAILED (status {status}): {run.error()}\n  the whole is in {run.log}')
