"""Speed, measured in interleaved rounds against a plain PyTorch loop, and against the machine's limits.

python tools/benchmark.py [CASE ...]
python tools/benchmark.py --gpu [--data DIR]

Each row has the median and the quartiles of its rounds, what it waits for most, the best that the machine's
arithmetic and memory allow, and the share of it that is reached. Without --data faces are drawn.
"""

import argparse
import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.registry import init_default_scope

from dacl_mm.benchmarks.cases import CASES, Case
from dacl_mm.benchmarks.gpu import gpu, require_gpu
from dacl_mm.benchmarks.setting import Setting
from dacl_mm.benchmarks.table import HEADER
from dacl_mm.benchmarks.timing import DEVICE
from dacl_mm.benchmarks.variants import VARIANTS
from dacl_mm.files import VARIABLE, write_atomic

SMALLEST = 32  # px: one cell of ResNet's last feature map
NUMBERS = {
    'rounds': 'interleaved rounds after the warm-up',
    'batch_size': 'images of a batch',
    'size': 'side of the images in pixels',
    'train': 'training images of an epoch',
    'test': 'images evaluated after it',
    'workers': 'loader processes',
}
DEFAULTS = {field.name: field.default for field in fields(Setting) if field.name in NUMBERS}
GPU = dict(batch_size=64, size=224, train=12_271, test=3_068, rounds=20)  # RAF-DB's, and the paper's


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('what', nargs='*', metavar='CASE', help=f'{", ".join(CASES)} (default: all)')
    parser.add_argument('--gpu', action='store_true', help='all rows of a GPU, in less than 9 minutes')
    for name, text in NUMBERS.items():
        default = f'{DEFAULTS[name]}, with --gpu {GPU[name]}' if name in GPU else DEFAULTS[name]
        flag = f'--{name.replace("_", "-")}'
        parser.add_argument(flag, type=int, metavar='N', help=f'{text} (default: {default})')
    parser.add_argument(
        '--variants',
        nargs='+',
        choices=VARIANTS,
        default=(),
        help='beside exact (default: all)',
    )
    parser.add_argument('--data', type=Path, help='folder with train and test (or valid), 00 to 06 in each')
    parser.add_argument('--json', type=Path, help='file for all rows')
    args = parser.parse_args()
    for name, default in (DEFAULTS | GPU if args.gpu else DEFAULTS).items():
        if getattr(args, name) is None:
            setattr(args, name, default)
    unknown = [name for name in args.what if name not in CASES]
    if unknown or (args.gpu and args.what):
        parser.error(f'unknown benchmark {unknown[0]!r}' if unknown else '--gpu has cases of its own')
    if args.rounds < 2 or args.size < SMALLEST or args.workers < 0:
        parser.error(f'--rounds must be >= 2, --size >= {SMALLEST} and --workers >= 0')
    if not 2 <= args.batch_size <= args.train or args.test < 7:
        parser.error('--batch-size must be >= 2 and at most --train, and --test >= 7')
    return args


def main() -> None:
    args = parse_args()
    cases: Mapping[str, Case] = {name: CASES[name] for name in args.what or CASES}
    if args.gpu:
        require_gpu()
        cases = {'gpu': gpu}
    init_default_scope('mmpretrain')
    MMLogger.get_instance('benchmark', log_level='WARNING')
    with tempfile.TemporaryDirectory() as folder:
        os.environ[VARIABLE] = str(Path(folder) / 'cache')
        numbers = {name: getattr(args, name) for name in NUMBERS}
        setting = Setting(Path(folder), source=args.data, variants=tuple(args.variants), **numbers)
        results = measure(setting, cases) | dict(setting=numbers)
    if args.json:
        write_atomic(json.dumps(results, indent=2).encode(), args.json)


def measure(setting: Setting, cases: Mapping[str, Case]) -> dict[str, Any]:
    """Run cases, print their rows as they come, and return everything as plain types."""
    machine, threads = setting.machine, torch.get_num_threads()
    print(
        f'{DEVICE}, {threads} threads, torch {torch.__version__}: {machine}\n'
        f'batch {setting.batch_size} at {setting.size} px, {setting.train} + {setting.test} images, '
        f'{setting.rounds} rounds'
    )
    results: dict[str, Any] = {}
    for name, case in cases.items():
        print(f'\n{name}: {(case.__doc__ or "").splitlines()[0]}\n{HEADER}')
        results[name] = []
        for row in case(setting):
            print(row, flush=True)
            results[name].append(row.summary())
    about = dict(device=DEVICE, threads=threads, torch=str(torch.__version__), **machine._asdict())
    return dict(machine=about, cases=results)
