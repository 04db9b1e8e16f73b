"""The training step: methods, variants and the plain loop."""

from .roofline import Work, count_work, limit
from .session import PlainSession, Session
from .setting import Setting
from .table import Row, ratio
from .timing import interleave_seconds
from .variants import narrow, variant_configs

METHODS = ('dacl', 'center', 'softmax')
PLAIN = 'dacl, plain loop'


def train_step(setting: Setting) -> list[Row]:
    """Forward passes and whole steps on one batch, with centre update, logging and all hooks."""
    configs = {f'dacl, {name}': cfg for name, cfg in variant_configs(setting, of_data=False).items()}
    configs |= {f'{method}, exact': setting.config(method) for method in METHODS}
    half = {name: narrow(cfg) for name, cfg in configs.items()}
    sessions: dict[str, Session | PlainSession] = {PLAIN: PlainSession(setting)}
    sessions |= {name: Session(cfg, setting.folder) for name, cfg in configs.items()}
    rows: list[Row] = []
    for part in ('forward', 'step'):
        jobs = {name: getattr(session, part) for name, session in sessions.items()}
        found = interleave_seconds(jobs, setting.rounds)
        works = {method: work_of(sessions[f'{method}, exact'], part) for method in METHODS}
        by_name = {}
        for name, values in found.items():
            best, side = works[name.split(',')[0]].best(setting.machine, half.get(name, False))
            by_name[name] = Row(f'{part}: {name}', values, 's', limit(jobs[name], side), best)
        exact = by_name['dacl, exact']
        rows += by_name.values()
        rows += [ratio(f'{part}: dacl over {m}', exact, by_name[f'{m}, exact']) for m in METHODS[1:]]
        rows += [
            ratio(f'{part}: {name} over plain loop', row, by_name[PLAIN])
            for name, row in by_name.items()
            if name.startswith('dacl') and name != PLAIN
        ]
    return rows


def work_of(session: Session | PlainSession, part: str) -> Work:
    """Return the work of a session's 'forward', 'step' or 'predict'."""
    return count_work(getattr(session, part), session.optimizer if part == 'step' else None)
