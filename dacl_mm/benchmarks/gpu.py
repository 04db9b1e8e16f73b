"""Every row of a GPU in one call, within a given time."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

from mmengine.config import Config

from dacl_mm.errors import UserError

from .data import data
from .epochs import other_rows, time_row, training_player
from .inference import predict
from .parts import Parts, parts
from .setting import Setting
from .steps import PLAIN, compare, train_step
from .table import Row, ratio
from .timing import DEVICE
from .turns import Report
from .variants import variant_configs

EPOCHS = 60  # of the published recipe
SECONDS = 450  # of the 9 minutes; the rest is for what ends late
REST = 190  # seconds for what follows the epochs
COMPILATION = 90  # seconds, of which as many must be left


def compiled(cfg: Config) -> None:
    """Compile the training step."""
    cfg.compile = dict()


def graphs(cfg: Config) -> None:
    """Compile the training step, and replay it as CUDA graphs."""
    cfg.compile = dict(mode='reduce-overhead')


#: Of which the first steps take long, and may fail where a compiler is missing.
COMPILED: dict[str, Callable[[Config], None]] = {'compiled': compiled, 'CUDA graphs': graphs}


def gpu(setting: Setting, seconds: float = SECONDS, rest: float = REST) -> Iterator[Row]:
    """Epochs, steps, predictions and images/s on a GPU; what no time is left for is named.

    Two epochs of the plain loop and of every variant; of the quickest as many more as fit, up to the
    published 60.

    Args:
        setting: Images, their size and rounds.
        seconds: About when to end.
        rest: Seconds of them that the epochs leave to the rest.
    """
    end = time.monotonic() + seconds
    expected = parts(setting)
    found: dict[str, list[Report]] = {}
    with ExitStack() as stack:
        configs: dict[str, Config | None] = {PLAIN: None, **variant_configs(setting)}
        trainings = {
            name: stack.enter_context(training_player(cfg, setting, EPOCHS)) for name, cfg in configs.items()
        }
        for _ in range(2):
            for name, training in trainings.items():
                found.setdefault(name, []).append(training.ask('epoch'))
        quickest = min(found.keys() - {PLAIN}, key=lambda name: found[name][1].seconds)
        long = found[quickest]
        while len(long) < EPOCHS and time.monotonic() + long[-1].seconds < end - rest:
            long.append(trainings[quickest].ask('epoch'))
    times = {name: time_row(name, reports[1:2], expected) for name, reports in found.items()}
    yield from times.values()
    for name in [name for name in times if name != PLAIN]:
        yield ratio(f'epoch: {name} over {PLAIN}', times[name], times[PLAIN])
    yield whole_run(quickest, long, expected[quickest])
    yield from other_rows(found)
    yield from train_step(setting)
    yield from predict(setting)
    yield from data(setting, rounds=1)
    for name, change in COMPILED.items():
        if time.monotonic() + COMPILATION < end:
            yield from compiled_step(name, change, setting)
        else:
            print(f'step: dacl, {name}: not measured, no time was left')


def whole_run(name: str, reports: list[Report], expected: Parts) -> Row:
    """Return the seconds of a whole training, extrapolated if it was not run to its end."""
    first, *later = [report.seconds for report in reports]
    total = first + (EPOCHS - 1) * sum(later) / len(later)
    title = f'{EPOCHS} epochs: {name}, {len(reports)} run'
    row = expected.explain(Row(title, [total / EPOCHS], 's'))
    return replace(row, values=[total], best=EPOCHS * expected.best)


def compiled_step(name: str, change: Callable[[Config], None], setting: Setting) -> list[Row]:
    """Return the rows of a compiled step, or none, and say so, where it cannot be compiled."""
    change(cfg := setting.config())
    pair = {f'dacl, {name}': cfg, f'dacl, {PLAIN}': None}
    try:
        rows = compare(pair, f'dacl, {name} over {PLAIN}', setting)
        return [row for row in rows.values() if not row.name.endswith(f': dacl, {PLAIN}')]
    except UserError:  # its process has said more
        print(f'step: dacl, {name}: not measured, since it could not be compiled')
        return []


def require_gpu() -> None:
    """Refuse a machine without a GPU.

    Raises:
        UserError: If there is none.
    """
    if DEVICE != 'cuda':
        raise UserError('--gpu measures on a GPU, and torch finds none here: leave it out')
