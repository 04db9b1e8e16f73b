"""Speed as ratios of interleaved runs in one process.

python tools/benchmark.py [predict] [train-step] [monitor] [draws]
"""

import argparse
import json
import statistics
from pathlib import Path

import torch
from mmengine.registry import init_default_scope

from dacl_mm.benchmarks.cases import CASES, FINAL_STRIDE, Setting
from dacl_mm.benchmarks.timing import DEVICE
from dacl_mm.files import write_atomic


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('what', nargs='*', help=f'{", ".join(CASES)} (default: all)')
    parser.add_argument('--rounds', type=int, default=10, help='interleaved rounds after the warm-up')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--size', type=int, default=64, help='side of the images in pixels')
    parser.add_argument('--json', type=Path, help='file for all ratios')
    args = parser.parse_args()
    unknown = [name for name in args.what if name not in CASES]
    if unknown or args.rounds < 2 or args.size < FINAL_STRIDE:
        parser.error(
            f'unknown benchmark {unknown[0]!r}' if unknown else '--rounds must be >= 2 and --size >= 32'
        )
    init_default_scope('mmpretrain')
    print(f'{DEVICE}, {torch.get_num_threads()} threads, torch {torch.__version__}, '
          f'batch {args.batch_size} at {args.size} px, {args.rounds} rounds')  # fmt: skip
    setting = Setting(args.rounds, args.batch_size, args.size)
    results = {}
    for name in args.what or CASES:
        results[name] = ratios = CASES[name](setting)
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f'{name:12} {middle:8.4f}  (quartiles {low:.4f} to {high:.4f})  {CASES[name].__doc__}')
    if args.json:
        write_atomic(json.dumps(results, indent=2).encode(), args.json)
