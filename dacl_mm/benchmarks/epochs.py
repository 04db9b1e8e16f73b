"""Whole epochs with evaluation and checkpoint: time, waiting, output and memory."""

import tempfile
from functools import partial
from pathlib import Path

from mmengine.config import Config

from .parts import Parts, parts
from .player import Player
from .setting import Setting
from .steps import PLAIN
from .table import Row, ratio
from .timing import interleave
from .trainings import run_config, run_plain
from .turns import Report
from .variants import variant_configs

#: What is counted in bytes, by its field of a report.
AMOUNTS = {
    'written': 'written',
    'host': 'memory of the trainer',
    'worker': 'memory of a loader process',
    'device': 'memory of the GPU, peak',
}


def epoch(setting: Setting) -> list[Row]:
    """Epochs with evaluation and checkpoint; a variant and the plain loop take turns, in two processes."""
    expected = parts(setting)
    found: dict[str, list[Report]] = {}
    ratios = []
    with training_player(None, setting) as plain:
        for name, cfg in variant_configs(setting).items():
            with training_player(cfg, setting, setting.rounds + 1) as player:
                jobs = {name: partial(player.ask, 'epoch'), PLAIN: partial(plain.ask, 'epoch')}
                pair = interleave(jobs, setting.rounds)
            over, under = (time_row(which, pair[which], expected) for which in (name, PLAIN))
            ratios.append(ratio(f'epoch: {name} over {PLAIN}', over, under))
            found = pair | found
    times = [time_row(name, reports, expected) for name, reports in found.items()]
    return [*times, *ratios, *other_rows(found)]


def training_player(cfg: Config | None, setting: Setting, epochs: int = 0) -> Player:
    """Start a training that runs an epoch whenever it is asked for one, and answers with its report.

    Args:
        cfg: Its config; None stands for the plain loop.
        setting: Images and their size.
        epochs: How many will be asked for at most.
    """
    folder = Path(tempfile.mkdtemp(dir=setting.folder))
    if cfg is None:
        return Player(run_plain, setting, folder)
    cfg.train_cfg.max_epochs = epochs + 1  # the last one ends where the next would begin
    return Player(run_config, cfg, folder)


def time_row(name: str, reports: list[Report], expected: dict[str, Parts]) -> Row:
    """Return the seconds of epochs, and what they are spent on."""
    return expected[name].explain(Row(f'epoch: {name}', [report.seconds for report in reports], 's'))


def other_rows(found: dict[str, list[Report]]) -> list[Row]:
    """Return how long epochs wait for checkpoints, and their bytes on disk and in memory."""
    rows = []
    for name, reports in found.items():
        shares = [100 * report.waited / report.seconds for report in reports]
        rows.append(Row(f'waits for checkpoints: {name}', shares, '% of epoch'))
    for field, what in AMOUNTS.items():
        for name, reports in found.items():
            values = [getattr(report, field) / 1e6 for report in reports]
            if any(values):
                rows.append(Row(f'{what}: {name}', values, 'MB'))
    return rows
