"""Prediction: one image at a time, and in batches."""

from .roofline import limit
from .session import PlainSession, Session
from .setting import Setting
from .steps import work_of
from .table import Row, ratio
from .timing import Job, interleave_seconds
from .variants import narrow, variant_configs

BATCHES = (1, 64)


def predict(setting: Setting) -> list[Row]:
    """Predictions of 1 and of 64 images, against the plain loop's classifier and against softmax."""
    rows: list[Row] = []
    for size in sorted({min(batch, setting.test) for batch in BATCHES}):
        rows += _predict(setting, size)
    return rows


def _predict(setting: Setting, size: int) -> list[Row]:
    configs = {
        f'dacl, {name}': cfg for name, cfg in variant_configs(setting, of_data=False, batch_size=size).items()
    }
    configs['softmax, exact'] = setting.config('softmax', batch_size=size)
    half = {name: narrow(cfg) for name, cfg in configs.items()}
    sessions: dict[str, Session | PlainSession] = {'plain loop': PlainSession(setting, size)}
    sessions |= {name: Session(cfg, setting.folder) for name, cfg in configs.items()}
    calls = max(1, BATCHES[-1] // 4 // size)  # a single image is too short to be timed

    def job(session: Session | PlainSession) -> Job:
        return lambda: [session.predict() for _ in range(calls)]

    found = interleave_seconds({name: job(session) for name, session in sessions.items()}, setting.rounds)
    work = work_of(sessions['plain loop'], 'predict')
    rows = {}
    for name, values in found.items():
        best, side = work.best(setting.machine, half.get(name, False))
        waits = limit(sessions[name].predict, side)
        rows[name] = Row(f'predict {size}: {name}', [value / calls for value in values], 's', waits, best)
    exact = rows['dacl, exact']
    ratios = [
        ratio(f'predict {size}: {name} over plain loop', row, rows['plain loop'])
        for name, row in rows.items()
        if name.startswith('dacl')
    ]
    return [
        *rows.values(),
        ratio(f'predict {size}: dacl over softmax', exact, rows['softmax, exact']),
        *ratios,
    ]
