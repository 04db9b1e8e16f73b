"""What an epoch with evaluation is made of."""

import math
import os
from dataclasses import dataclass, replace

from .roofline import INPUT, PYTHON, limit
from .session import PlainSession, Session
from .setting import Setting
from .steps import work_of
from .table import Row
from .timing import DEVICE, Job, seconds
from .variants import narrow, variant_configs

PLAIN = 'plain loop'
REPEATS = 2


@dataclass(frozen=True)
class Parts:
    """Seconds of an epoch's parts, each by itself on an idle machine.

    Args:
        compute: All steps and predictions.
        side: What they wait for most.
        reading: All images, read by as many processes as there are cores for loaders.
        best: The roofline's best for the steps and predictions.
    """

    compute: float
    side: str
    reading: float
    best: float

    def explain(self, row: Row) -> Row:
        """Say of seconds of an epoch which part takes most of them; the rest is Python's.

        On a CPU reading and computing share the cores; beside a GPU they go on at once.
        """
        known = self.compute + self.reading if DEVICE == 'cpu' else max(self.compute, self.reading)
        takes = (self.compute, self.side), (self.reading, INPUT), (row.median - known, PYTHON)
        return replace(row, limit=max(takes)[1], best=self.best)


def parts(setting: Setting) -> dict[str, Parts]:
    """Return the parts of an epoch of the plain loop, and of each variant."""
    plain = PlainSession(setting)
    works = [(part, work_of(plain, part)) for part in ('step', 'predict')]
    counts = dict(
        step=setting.train // setting.batch_size, predict=math.ceil(setting.test / setting.batch_size)
    )

    def take_apart(session: PlainSession | Session, half: bool) -> Parts:
        compute = best = 0.0
        for part, work in works:
            compute += counts[part] * shortest(getattr(session, part))
            best += counts[part] * work.best(setting.machine, half)[0]
        reading = shortest(session.read) * (setting.train + setting.test) / setting.batch_size
        reading /= max(1, min(setting.workers, os.cpu_count() or 1))
        side = limit(session.step, works[0][1].best(setting.machine, half)[1])
        return Parts(compute, side, reading, best)

    found = {PLAIN: take_apart(plain, False)}
    for name, cfg in variant_configs(setting).items():
        half = narrow(cfg)
        found[name] = take_apart(Session(cfg, setting.folder), half)
    return found


def shortest(job: Job) -> float:
    """Return the shorter of a few times, in seconds; a first call warms up."""
    return min([seconds(job) for _ in range(REPEATS + 1)][1:])
