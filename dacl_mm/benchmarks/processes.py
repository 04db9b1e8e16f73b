"""Whole processes: what an import, a start and a training of one epoch cost."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from dacl_mm.config import load_config
from dacl_mm.errors import UserError

from . import plain_loop
from .parts import parts
from .roofline import PYTHON
from .setting import Setting
from .steps import PLAIN
from .table import Row, ratio
from .timing import interleave
from .variants import variant_configs

TRAIN = (sys.executable, '-m', 'dacl_mm.cli', 'train')  # tools/train.py, for a wheel too


class Usage(NamedTuple):
    """What a process and those it waited for took, in seconds."""

    wall: float
    cpu: float


def run(command: Sequence[str | Path], folder: Path) -> Usage:
    """Run a process to its end; its output goes to a file in ``folder``.

    Raises:
        UserError: If it fails; shows the end of its output.
    """
    folder.mkdir(parents=True, exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if key != 'FER_BACKBONE'}
    with open(folder / 'output.txt', 'wb') as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        end = (folder / 'output.txt').read_text(errors='replace')[-2000:]
        raise UserError(f'{" ".join(map(str, command))} ended with {process.returncode}:\n{end}')
    return Usage(wall, usage.ru_utime + usage.ru_stime)


def imports(setting: Setting) -> list[Row]:
    """CPU seconds of importing the package and MMPretrain, and of a start to the first step."""
    jobs = {
        f'import {name}': lambda name=name: run([sys.executable, '-c', f'import {name}'], setting.folder).cpu
        for name in ('mmpretrain', 'dacl_mm')
    }
    first_step = setting.folder / 'first_step.py'
    cfg = load_config('dacl_r18_synthetic')
    cpu = setting.folder / 'cpu_seconds.txt'
    first_step.write_text(f"""_base_ = {cfg.filename!r}
custom_imports = dict(imports=['dacl_mm', 'dacl_mm.benchmarks.first_step'], allow_failed_imports=False)
default_hooks = dict(first_step=dict(type='FirstStepHook', file={str(cpu)!r}))
""")

    def start() -> float:
        run([*TRAIN, first_step, '--work-dir', setting.folder / 'first_step'], setting.folder)
        return float(cpu.read_text())

    found = interleave({**jobs, 'start of tools/train.py to its first step': start}, setting.rounds)
    rows = {name: Row(name, values, 'CPU s', PYTHON) for name, values in found.items()}
    over = ratio('import: dacl_mm over mmpretrain', rows['import dacl_mm'], rows['import mmpretrain'])
    return [*rows.values(), over]


def process(setting: Setting) -> list[Row]:
    """Whole processes of one epoch with evaluation and checkpoint: ``tools/train.py`` and the plain loop."""
    configs = {}
    for name, cfg in variant_configs(setting).items():
        configs[name] = setting.folder / f'process_{name}.py'.replace(' ', '_')
        cfg.dump(configs[name])
    plain: list[str | Path] = [sys.executable, plain_loop.__file__, setting.data, '--epochs', '1']
    plain += ['--batch-size', str(setting.batch_size), '--size', str(setting.size)]
    plain += ['--workers', str(setting.workers), '--out']
    commands = {PLAIN: plain}
    commands |= {name: [*TRAIN, config, '--work-dir'] for name, config in configs.items()}

    def job(command: Sequence[str | Path]) -> Usage:
        usage = run([*command, setting.folder / 'run'], setting.folder)
        shutil.rmtree(setting.folder / 'run')
        return usage

    found = interleave({name: partial(job, command) for name, command in commands.items()}, setting.rounds)
    rows: list[Row] = []
    expected = parts(setting)
    for kind, unit in (('wall', 's'), ('cpu', 'CPU s')):
        by_name = {
            name: Row(f'process: {name}, {kind}', [getattr(usage, kind) for usage in usages], unit)
            for name, usages in found.items()
        }
        if kind == 'wall':
            by_name = {name: expected[name].explain(row) for name, row in by_name.items()}
        rows += by_name.values()
        rows += [
            ratio(f'process: {name} over {PLAIN}, {kind}', by_name[name], by_name[PLAIN]) for name in configs
        ]
    return rows
