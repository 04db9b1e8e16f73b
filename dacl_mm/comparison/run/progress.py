"""Which runs are under way, and when all are done."""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.text import Text

from dacl_mm.comparison.plan.dry_run import clock
from dacl_mm.comparison.plan.runs import Run
from dacl_mm.text import printable_lines


def remaining_seconds(states: Sequence[tuple[str, dict[str, Any], bool]], capacity: int) -> float | None:
    """Estimate the time until all runs are done.

    A method's pace is the mean of what its runs have shown, another's until it has.

    Args:
        states: Method, progress (see :class:`~dacl_mm.comparison.run.hooks.ProgressHook`) and whether
            it is done, of every run.
        capacity: Runs at once.

    Returns:
        Seconds; None while no pace is known.
    """
    paces: dict[str, list[float]] = {}
    lengths = [state['max_iters'] for _, state, _ in states if state]
    for method, state, _ in states:
        if state.get('seconds_per_iter'):
            paces.setdefault(method, []).append(state['seconds_per_iter'])
    if not paces:
        return None
    mean = {method: sum(values) / len(values) for method, values in paces.items()}
    overall = sum(mean.values()) / len(mean)
    left = [
        (state.get('max_iters', lengths[0]) - state.get('iter', 0)) * mean.get(method, overall)
        for method, state, done in states
        if not done
    ]
    return float(max(sum(left) / capacity, max(left, default=0)))


class Board:
    """One live line per running job and one for the whole.

    On a terminal the lines are rewritten; elsewhere they are printed every
    ``quiet_seconds``.

    Args:
        runs: All runs.
        capacity: How many are executed at once.
        quiet_seconds: Pause between two prints where there is no terminal.
    """

    def __init__(self, runs: Sequence[Run], capacity: int, quiet_seconds: float = 60):
        self.runs = runs
        self.capacity = capacity
        self.quiet_seconds = quiet_seconds
        self._printed = time.monotonic()
        self._live = Live(transient=True, auto_refresh=False) if sys.stdout.isatty() else None

    def __enter__(self) -> 'Board':
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """Print a line that stays."""
        text = printable_lines(text)
        if self._live:
            self._live.console.print(text, markup=False, highlight=False)
        else:
            print(text, flush=True)

    def show(self, running: Iterable[Run], ended: set[Run]) -> None:
        """Show the state of the running jobs and of the whole."""
        if self._live is None and time.monotonic() - self._printed < self.quiet_seconds:
            return
        self._printed = time.monotonic()
        lines = [self.line(run) for run in running]
        states = [(run.method, run.progress(), run in ended) for run in self.runs]
        left = clock(remaining_seconds(states, self.capacity))
        lines.append(f'{len(ended)} of {len(self.runs)} runs done, about {left} to go')
        if self._live:
            self._live.update(Group(*map(Text, lines)), refresh=True)
        else:
            print('\n'.join(lines), flush=True)

    @staticmethod
    def line(run: Run) -> str:
        """Describe a running job."""
        state = run.progress()
        if not state:
            return f'{run.name:30} starting'
        share = state['iter'] / state['max_iters']
        pace = state['seconds_per_iter']
        left = clock((state['max_iters'] - state['iter']) * pace if pace else None)
        value = '' if state.get('value') is None else f'  {state["metric"]} {state["value"]:.1f}'
        phase = state['phase'] if share < 1 else 'test'
        return f'{run.name:30} {phase:5} epoch {state["epoch"]:3} {share:4.0%}  {left} to go{value}'
