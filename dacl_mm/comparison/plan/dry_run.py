"""The plan of a comparison, shown before it is executed."""

from collections.abc import Mapping, Sequence

from mmengine.config import Config

from .cost import estimate_seconds
from .runs import Run


def clock(seconds: float | None) -> str:
    """Format a duration as h:mm:ss, '?' for None."""
    if seconds is None:
        return '?'
    seconds = round(seconds)
    return f'{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}'


def print_plan(
    planned: Sequence[tuple[Run, Config]], differences: Mapping[str, Sequence[str]], jobs: int
) -> None:
    """Print every run, what methods differ in, and how long it would take here.

    Methods of which no run is finished are timed over a few steps on real images.
    """
    first = {run.method: cfg for run, cfg in reversed(planned)}
    seconds: dict[str, float] = {}
    for run, _ in planned:
        result = run.result()
        if result and run.method not in seconds:
            seconds[run.method] = result['seconds_per_epoch'] * first[run.method].train_cfg.max_epochs
    print(f'{"method":24}{"epochs":>7}{"a run":>10}  differs in')
    for method, cfg in first.items():
        if method not in seconds:
            seconds[method] = estimate_seconds(cfg)
        also = ', '.join(['model', *differences[method]])
        print(f'{method:24}{cfg.train_cfg.max_epochs:>7}{clock(seconds[method]):>10}  {also}')
    print()
    waiting = [run for run, _ in planned if run.result() is None]
    for run, _ in planned:
        print(f'{"waiting " if run in waiting else "finished"}  {run.name:32}{run.folder}')
    total = sum(seconds[run.method] for run in waiting)
    print(
        f'\n{len(planned)} runs, {len(waiting)} waiting: about {clock(total)} of training in order'
        + (f'; {jobs} jobs at once share the machine' if jobs > 1 else '')
        + '. Validation, the test and loading come on top.'
    )
