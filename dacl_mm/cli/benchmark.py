"""Speed, measured in interleaved rounds against a plain PyTorch loop, and against the machine's limits.

python tools/benchmark.py [import] [process] [data] [draws] [train-step] [monitor] [predict]

Each row has the median and the quartiles of its rounds, what it waits for most, the best that the machine's
arithmetic and memory allow, and the share of it that is reached. Without --data faces are drawn.
"""

import argparse
import json
import os
import tempfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from dacl_mm.benchmarks.cases import CASES
from dacl_mm.benchmarks.setting import Setting
from dacl_mm.benchmarks.table import HEADER
from dacl_mm.benchmarks.timing import DEVICE
from dacl_mm.files import VARIABLE, write_atomic

SMALLEST = 32  # px: one cell of ResNet's last feature map
DEFAULTS = {field.name: field.default for field in fields(Setting)}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('what', nargs='*', metavar='CASE', help=f'{", ".join(CASES)} (default: all)')
    add = parser.add_argument
    add('--rounds', type=int, default=DEFAULTS['rounds'], help='interleaved rounds after the warm-up')
    add('--batch-size', type=int, default=DEFAULTS['batch_size'])
    add('--size', type=int, default=DEFAULTS['size'], help='side of the images in pixels')
    add('--train', type=int, default=DEFAULTS['train'], help='training images of an epoch')
    add('--test', type=int, default=DEFAULTS['test'], help='images evaluated after it')
    add('--workers', type=int, default=DEFAULTS['workers'], help='loader processes')
    add('--data', type=Path, help='folder with class folders 00 to 06 under train and test (or valid)')
    add('--json', type=Path, help='file for all rows')
    args = parser.parse_args()
    for name in args.what:
        if name not in CASES:
            parser.error(f'unknown benchmark {name!r}: choose from {", ".join(CASES)}')
    if args.rounds < 2 or args.size < SMALLEST or args.workers < 0:
        parser.error(f'--rounds must be >= 2, --size >= {SMALLEST} and --workers >= 0')
    if not 2 <= args.batch_size <= args.train or args.test < 7:
        parser.error('--batch-size must be >= 2 and at most --train, and --test >= 7')
    return args


def main() -> None:
    args = parse_args()
    init_default_scope('mmpretrain')
    MMLogger.get_instance('benchmark', log_level='WARNING')
    with tempfile.TemporaryDirectory() as folder:
        os.environ[VARIABLE] = str(Path(folder) / 'cache')
        chosen = {name: getattr(args, name) for name in DEFAULTS if hasattr(args, name)}
        setting = Setting(Path(folder), source=args.data, **chosen)
        results = measure(setting, args.what or list(CASES))
    if args.json:
        write_atomic(json.dumps(results, indent=2).encode(), args.json)


def measure(setting: Setting, names: list[str]) -> dict[str, Any]:
    """Run cases, print their rows as they come, and return everything as plain types."""
    machine, threads = setting.machine, torch.get_num_threads()
    print(
        f'{DEVICE}, {threads} threads, torch {torch.__version__}: {machine}\n'
        f'batch {setting.batch_size} at {setting.size} px, {setting.train} + {setting.test} images, '
        f'{setting.rounds} rounds'
    )
    results: dict[str, Any] = {}
    for name in names:
        print(f'\n{name}: {CASES[name].__doc__}\n{HEADER}')
        rows = CASES[name](setting)
        print(*rows, sep='\n')
        results[name] = [row.summary() for row in rows]
    about = dict(device=DEVICE, threads=threads, torch=str(torch.__version__), **machine._asdict())
    given = {name: getattr(setting, name) for name in DEFAULTS if name not in ('folder', 'source')}
    return dict(machine=about, setting=given, cases=results)
