"""What an epoch with evaluation is made of."""

import math
import os
from dataclasses import dataclass, replace

from .player import Player
from .roofline import INPUT, PYTHON, Work
from .serving import session_player
from .setting import Setting
from .steps import PLAIN
from .table import Row
from .timing import DEVICE
from .variants import narrow, variant_configs

CALLS = 3


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
    with session_player(None, setting) as plain:
        works = {part: plain.ask('work', part) for part in ('step', 'predict')}
        found = {PLAIN: take_apart(plain, works, False, setting)}
    for name, cfg in variant_configs(setting).items():
        with session_player(cfg, setting) as player:
            found[name] = take_apart(player, works, narrow(cfg), setting)
    return found


def take_apart(session: Player, works: dict[str, Work], half: bool, setting: Setting) -> Parts:
    """Measure the parts of an epoch.

    Args:
        session: Answers as a session does.
        works: Work of a 'step' and of a 'predict'.
        half: Whether it computes in 16 bits.
        setting: Numbers of images.
    """
    times = {}
    for part in ('step', 'predict', 'read'):
        session.ask('time', part)  # warms up
        times[part] = session.ask('time', part, CALLS)
    steps, tests = setting.train // setting.batch_size, math.ceil(setting.test / setting.batch_size)
    best = {part: work.best(setting.machine, half) for part, work in works.items()}
    reading = times['read'] * (setting.train + setting.test) / setting.batch_size
    return Parts(
        compute=steps * times['step'] + tests * times['predict'],
        side=session.ask('limit', 'step', best['step'][1]),
        reading=reading / max(1, min(setting.workers, os.cpu_count() or 1)),
        best=steps * best['step'][0] + tests * best['predict'][0],
    )
