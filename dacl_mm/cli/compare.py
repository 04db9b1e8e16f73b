"""Compare methods over seeds: python tools/compare.py configs/compare/synthetic.py --work-dir DIR"""

import argparse
import shlex
import sys
from pathlib import Path

from dacl_mm.comparison.plan.dry_run import print_plan
from dacl_mm.comparison.plan.methods import HELD_OUT, PROTOCOLS, differences, read_methods
from dacl_mm.comparison.plan.runs import plan_runs, write_config
from dacl_mm.comparison.report.page import write_report
from dacl_mm.comparison.run.executors import LocalExecutor
from dacl_mm.comparison.run.robustness import corrupt_runs
from dacl_mm.comparison.run.scheduler import execute
from dacl_mm.engine.fast import set_fast
from dacl_mm.engine.stop import STOP
from dacl_mm.files import file_lock

from .arguments import add_config_options, add_fast
from .run import program


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Compare methods over seeds, in paired runs')
    parser.add_argument('config', nargs='+', help='configs, or sets of methods (configs/compare)')
    parser.add_argument('--methods', nargs='+', help='names of the set (default: all)')
    parser.add_argument('--seeds', type=int, default=5, help='runs of each method (default: 5)')
    parser.add_argument('--work-dir', type=Path, required=True, help='folder of the runs and the report')
    parser.add_argument(
        '--protocol',
        choices=PROTOCOLS,
        default=HELD_OUT,
        help='what selects the epoch: a held-out part of the training images, or, as in published '
        'numbers, the test split',
    )
    parser.add_argument('--jobs', type=int, default=1, help='runs at once on this machine')
    parser.add_argument('--ray', metavar='ADDRESS', help='execute the runs on a Ray cluster')
    parser.add_argument('--dry-run', action='store_true', help='show the plan with an estimate')
    parser.add_argument(
        '--no-images', action='store_true', help='no test images in the report, for sets that forbid it'
    )
    parser.add_argument(
        '--robustness',
        action='store_true',
        help='test the finished runs on corrupted images too, on this machine (docs/robustness.md)',
    )
    add_fast(parser)
    add_config_options(parser, 'config keys of every method')
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error(f'--seeds must be at least 1, got {args.seeds}')
    return args


def main() -> None:
    args = parse_args()
    methods = read_methods(args.config, args.cfg_options, args.methods)
    if args.fast:
        for method in methods:
            set_fast(method.cfg)
    planned = plan_runs(methods, args.seeds, args.protocol, args.work_dir)
    runs = [run for run, _ in planned]
    if args.dry_run:
        print_plan(planned, differences(methods), args.jobs)
        return
    # A signal ends the runs' processes, which save and go on with the next call.
    with STOP.listening(), file_lock(args.work_dir / '.lock', 'comparison'):
        for run, cfg in planned:
            write_config(run, cfg)
        if args.ray:
            from dacl_mm.comparison.run.ray_executor import RayExecutor

            execute(runs, RayExecutor(args.ray, methods[0].cfg.get('job_resources')))
        else:
            execute(runs, LocalExecutor(args.jobs))
        unfit = corrupt_runs(runs) if args.robustness else []
        command = shlex.join([*program(), *sys.argv[1:]])
        protocols = write_report(args.work_dir, methods, command, images=not args.no_images)
    bad = {(p.protocol, method, seed) for p in protocols for method in p.failed for seed in p.failed[method]}
    failed = [run.name for run in runs if (run.protocol, run.method, run.seed) in bad]
    if failed:
        sys.exit(f'{len(failed)} of {len(runs)} runs failed: {", ".join(failed)}')
    if unfit:
        sys.exit(f'corrupted images: {len(unfit)} runs failed: {", ".join(run.name for run in unfit)}')
