"""The plan of a comparison, shown before it is executed."""

from collections.abc import Mapping, Sequence

from mmengine.config import Config

from .estimate import Estimator
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

    A method of which a run is finished takes what that took; others are estimated
    (:class:`Estimator`).
    """
    first: dict[str, tuple[Run, Config]] = {}
    for run, cfg in planned:
        first.setdefault(run.method, (run, cfg))
    seconds: dict[str, float] = {}
    for run, _ in planned:
        result = run.result()
        if result and result.get('seconds'):  # None for one that was interrupted
            seconds.setdefault(run.method, result['seconds'])
    estimate = Estimator()
    print(f'{"method":24}{"epochs":>7}{"a run":>10}  differs in')
    for method, (run, cfg) in first.items():
        if method not in seconds:
            seconds[method] = estimate(cfg, trains=run.weights_of is None)
        epochs = 0 if run.weights_of else cfg.train_cfg.max_epochs
        weights = [f'the weights are those of {run.weights_of}'] if run.weights_of else []
        also = ', '.join(['model', *differences[method], *weights])
        print(f'{method:24}{epochs:>7}{clock(seconds[method]):>10}  {also}')
    print()
    waiting = [run for run, _ in planned if run.result() is None]
    for run, _ in planned:
        print(f'{"waiting " if run in waiting else "finished"}  {run.name:32}{run.folder}')
    total = sum(seconds[run.method] for run in waiting)
    print(
        f'\n{len(planned)} runs, {len(waiting)} waiting: about {clock(total)} in order'
        + (f'; {jobs} jobs at once share the machine' if jobs > 1 else '')
    )
