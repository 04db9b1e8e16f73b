"""Whole epochs with evaluation and checkpoint: time, waiting, output and memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from .parts import PLAIN, Parts, parts
from .players import run_config, run_plain
from .setting import Setting
from .table import Row, ratio
from .timing import interleave
from .turns import Player, Report
from .variants import variant_configs

#: What is counted in bytes, by its field of a report.
AMOUNTS = {
    'written': 'written',
    'host': 'memory of the trainer',
    'worker': 'memory of a loader process',
    'device': 'memory of the GPU, peak',
}


def epoch(setting: Setting) -> list[Row]:
    """Epochs with evaluation and checkpoint, each variant in a process of its own that goes on."""
    expected = parts(setting)
    with players(setting, setting.rounds + 1) as trainings:
        jobs = {name: training.epoch for name, training in trainings.items()}
        found = interleave(jobs, setting.rounds)
    return [*time_rows(found, expected), *other_rows(found)]


@contextmanager
def players(setting: Setting, epochs: int) -> Iterator[dict[str, Player]]:
    """Start the plain loop and each variant, for at most so many epochs; end them afterwards."""
    trainings = {PLAIN: Player(run_plain, setting, setting.folder / 'plain_loop')}
    for name, cfg in variant_configs(setting).items():
        cfg.train_cfg.max_epochs = epochs + 1  # the last ends where the next would begin
        file = setting.folder / f'epoch_{name}.py'.replace(' ', '_')
        cfg.dump(file)
        trainings[name] = Player(run_config, str(file), str(file.with_suffix('')))
    try:
        yield trainings
    finally:
        for training in trainings.values():
            training.end()


def time_rows(found: dict[str, list[Report]], expected: dict[str, Parts]) -> list[Row]:
    """Return the seconds of epochs, and their ratios to the plain loop's."""
    epochs = {
        name: expected[name].explain(Row(f'epoch: {name}', [report.seconds for report in reports], 's'))
        for name, reports in found.items()
    }
    others = [name for name in epochs if name != PLAIN]
    ratios = [ratio(f'epoch: {name} over {PLAIN}', epochs[name], epochs[PLAIN]) for name in others]
    return [*epochs.values(), *ratios]


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
