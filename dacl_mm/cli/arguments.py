"""Arguments that several commands take."""

import argparse
import os

from mmengine.config import DictAction


def add_config_options(parser: argparse.ArgumentParser, whose: str = 'config keys') -> None:
    """Add ``--cfg-options``; ``whose`` says what they override."""
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help=f'override {whose}: key=value, lists as key="[a,b]"',
    )


def add_fast(parser: argparse.ArgumentParser) -> None:
    """Add ``--fast``."""
    parser.add_argument(
        '--fast',
        action='store_true',
        help='decode images once, augment on the device, compute in bfloat16 (docs/performance.md)',
    )


def parse_launched(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """Add what tells how processes were started, and parse."""
    parser.add_argument('--launcher', choices=['none', 'pytorch', 'slurm', 'mpi'], default='none')
    parser.add_argument('--local_rank', '--local-rank', type=int, default=0)
    args = parser.parse_args()
    os.environ.setdefault('LOCAL_RANK', str(args.local_rank))
    return args
