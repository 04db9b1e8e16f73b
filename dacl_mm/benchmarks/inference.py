"""Prediction: one image at a time, and in batches."""

from functools import partial

from .session import PlainSession, Session, Timed
from .setting import Setting
from .steps import PLAIN
from .table import Row, ratio
from .timing import interleave
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
    sessions: dict[str, Timed] = {PLAIN: PlainSession(setting, size)}
    sessions |= {name: Session(cfg, setting.folder) for name, cfg in configs.items()}
    calls = max(1, BATCHES[-1] // 4 // size)  # a single image is too short to be timed
    jobs = {name: partial(session.time, 'predict', calls) for name, session in sessions.items()}
    work = sessions[PLAIN].work('predict')
    rows = {}
    for name, values in interleave(jobs, setting.rounds).items():
        best, side = work.best(setting.machine, name in configs and narrow(configs[name]))
        limit = sessions[name].limit('predict', side)
        rows[name] = Row(f'predict {size}: {name}', values, 's', limit, best)
    return [
        *rows.values(),
        ratio(f'predict {size}: dacl over softmax', rows['dacl, exact'], rows['softmax, exact']),
        *(
            ratio(f'predict {size}: {name} over {PLAIN}', row, rows[PLAIN])
            for name, row in rows.items()
            if name.startswith('dacl')
        ),
    ]
