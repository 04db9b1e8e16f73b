"""The training step: methods, variants and the plain loop."""

from functools import partial

from mmengine.config import Config

from .serving import session_player
from .setting import Setting
from .table import Row, ratio
from .timing import interleave
from .variants import narrow, variant_configs

PLAIN = 'plain loop'


def train_step(setting: Setting) -> list[Row]:
    """Forward passes and whole steps on one batch, with centre update, logging and all hooks.

    Each row has a process of its own, with the memory settings of a training. Two at a time take turns.
    """
    rows: dict[str, Row] = {}
    for name, cfg in variant_configs(setting, of_data=False).items():
        pair = {f'dacl, {name}': cfg, f'dacl, {PLAIN}': None}
        rows |= compare(pair, f'dacl, {name} over {PLAIN}', setting) | rows
    for method in ('center', 'softmax'):
        pair = {'dacl, exact': setting.config(), f'{method}, exact': setting.config(method)}
        rows |= compare(pair, f'dacl over {method}', setting) | rows
    return sorted(rows.values(), key=lambda row: row.name.split(':')[0])


def compare(pair: dict[str, Config | None], title: str, setting: Setting) -> dict[str, Row]:
    """Time forward pass and step of two trainings in turn.

    Args:
        pair: Name -> config, None for the plain loop; the second one computes in float32, and its work
            counts for both unless the methods differ.
        title: What the ratio is called.
        setting: Rounds, batch and machine.

    Returns:
        Name -> row, of both and of their ratio.
    """
    rows: dict[str, Row] = {}
    (over, cfg), (under, its) = pair.items()
    with session_player(cfg, setting) as first, session_player(its, setting) as second:
        players = {over: first, under: second}
        for part in ('forward', 'step'):
            jobs = {name: partial(player.ask, 'time', part) for name, player in players.items()}
            found = interleave(jobs, setting.rounds)
            for name, player in players.items():
                counts = second if its is None else player
                half = pair[name] is not None and narrow(pair[name])
                best, side = counts.ask('work', part).best(setting.machine, half)
                limit = player.ask('limit', part, side)
                rows[f'{part}: {name}'] = Row(f'{part}: {name}', found[name], 's', limit, best)
            name = f'{part}: {title}'
            rows[name] = ratio(name, rows[f'{part}: {over}'], rows[f'{part}: {under}'])
    return rows
