"""Every row of a GPU in one call, within a given time."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from mmengine.config import Config

from dacl_mm.errors import UserError

from .data import data
from .epochs import other_rows, players, time_rows
from .inference import predict
from .parts import PLAIN, Parts, parts
from .roofline import limit
from .session import Session
from .setting import Setting
from .steps import train_step, work_of
from .table import Row
from .timing import DEVICE, interleave_seconds
from .turns import Report

EPOCHS = 60  # of the published recipe
SECONDS = 8 * 60
REST = 180  # seconds for what follows the epochs
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
    with players(setting, EPOCHS) as trainings:
        for _ in range(2):
            for name, training in trainings.items():
                found.setdefault(name, []).append(training.epoch())
        quickest = min(found.keys() - {PLAIN}, key=lambda name: found[name][1].seconds)
        long = found[quickest]
        while len(long) < EPOCHS and time.monotonic() + long[-1].seconds < end - rest:
            long.append(trainings[quickest].epoch())
    yield from time_rows({name: reports[1:2] for name, reports in found.items()}, expected)
    yield whole_run(quickest, long, expected[quickest])
    yield from other_rows(found)
    yield from train_step(setting)
    yield from predict(setting)
    yield from data(setting, rounds=2)
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
    """Return the row of a compiled step, or none, and say why, where it cannot be compiled."""
    change(cfg := setting.config())
    session, exact = Session(cfg, setting.folder), Session(setting.config(), setting.folder)
    try:
        session.step()
    except Exception as error:  # of any compiler
        print(f'step: dacl, {name}: not measured, {type(error).__name__}: {str(error).splitlines()[0]}')
        return []
    best, side = work_of(exact, 'step').best(setting.machine)
    values = interleave_seconds({name: session.step}, setting.rounds)[name]
    return [Row(f'step: dacl, {name}', values, 's', limit(session.step, side), best)]


def require_gpu() -> None:
    """Refuse a machine without a GPU.

    Raises:
        UserError: If there is none.
    """
    if DEVICE != 'cuda':
        raise UserError('--gpu measures on a GPU, and torch finds none here: leave it out')
