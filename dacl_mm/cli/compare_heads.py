"""Heads on frozen features: python tools/compare_heads.py SET --checkpoints FILE ... --work-dir DIR"""

import argparse
from pathlib import Path

import numpy as np
from mmengine.registry import init_default_scope

from dacl_mm.comparison.heads.features import feature_maps
from dacl_mm.comparison.heads.fit import Fitted, Plan, check_method, fit
from dacl_mm.comparison.heads.table import print_table, write_results
from dacl_mm.comparison.plan.methods import read_methods
from dacl_mm.files import file_lock

from .arguments import add_config_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Train every head on the frozen features of one backbone per seed, and compare in pairs'
    )
    parser.add_argument('config', nargs='+', help='configs, or sets of methods (configs/compare)')
    parser.add_argument(
        '--checkpoints', nargs='+', required=True, help='a trained backbone for each seed, any method'
    )
    parser.add_argument(
        '--methods', nargs='+', help='names of the set (default: all); the first is compared to'
    )
    parser.add_argument('--work-dir', type=Path, required=True, help='folder of the results')
    parser.add_argument('--views', type=int, default=4, help='augmented passes over the images (default: 4)')
    parser.add_argument('--epochs', type=int, default=20, help='epochs of each head (default: 20)')
    parser.add_argument('--batch-size', type=int, default=128, help='default: 128')
    parser.add_argument('--lr', type=float, default=0.01, help='largest learning rate (default: 0.01)')
    parser.add_argument('--weight-decay', type=float, default=5e-4, help='default: 5e-4')
    add_config_options(parser, 'config keys of every method')
    args = parser.parse_args()
    for name in ('views', 'epochs', 'batch_size'):
        if getattr(args, name) < 1:
            parser.error(f'--{name.replace("_", "-")} must be at least 1, got {getattr(args, name)}')
    return args


def main() -> None:
    args = parse_args()
    methods = read_methods(args.config, args.cfg_options, args.methods)
    for method in methods:
        check_method(method)
    init_default_scope('mmpretrain')
    plan = Plan(args.epochs, args.batch_size, args.lr, args.weight_decay)
    fitted: dict[str, list[Fitted]] = {method.name: [] for method in methods}
    with file_lock(args.work_dir / '.lock', 'comparison of heads'):
        for seed, checkpoint in enumerate(args.checkpoints):
            train = feature_maps(methods[0].cfg, checkpoint, 'train', args.views, seed)
            val = feature_maps(methods[0].cfg, checkpoint, 'val', 1, seed)
            for method in methods:
                found = fit(method, train, val, plan, seed, args.work_dir)
                fitted[method.name].append(found)
                print(f'seed {seed}, {method.name}: {100 * found.right.mean():.2f} %', flush=True)
        right = {name: np.stack([one.right for one in seeds]) for name, seeds in fitted.items()}
        spread = {name: [one.attention_spread for one in seeds] for name, seeds in fitted.items()}
        results = (right, spread, val.label.numpy(), methods[0].name)
        write_results(*results, args.work_dir)
    print_table(*results)
