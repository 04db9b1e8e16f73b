"""Train DACL and softmax on the embedded faces, test both, and say what to do next."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from dacl_mm.comparison.analysis.tables import METRICS
from dacl_mm.hub import config_dir

from .run import program

NEXT = """What to do next:
  {verify} --type RAFDB --root /data/RAF-DB    # is your copy of a data set sound?
  RAFDB_ROOT=/data/RAF-DB {train} dacl_r18_rafdb.py
  {compare} compare/synthetic.py --seeds 3 --work-dir work_dirs/compare"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--cfg-options', nargs='+', default=[], help='override config keys of both methods')
    return parser.parse_args()


def next_commands() -> str:
    """Name three commands, as they are called where this one came from."""
    if program()[0] == 'dacl-mm':
        return NEXT.format(verify='dacl-mm verify', train='dacl-mm train', compare='dacl-mm compare')
    folder = Path(sys.argv[0]).parent
    tools = dict(verify='verify_dataset', train='train', compare='compare')
    return NEXT.format(**{name: f'python {folder / tool}.py' for name, tool in tools.items()})


def main() -> None:
    args = parse_args()
    folder = args.work_dir
    command = [sys.executable, '-m', 'dacl_mm.cli', 'compare', str(config_dir() / 'compare' / 'demo.py')]
    command += ['--seeds', '1', '--jobs', '2', '--work-dir', str(folder)]
    if args.cfg_options:
        command += ['--cfg-options', *args.cfg_options]
    if code := subprocess.run(command).returncode:
        sys.exit(code)
    results = json.loads((folder / 'results.json').read_text())
    print('\nTest faces, one seed (%):')
    print(f'{"":10}' + ''.join(f'{name:>21}' for name in METRICS.values()))
    for row in results['methods']:
        print(f'{row["method"]:10}' + ''.join(f'{row[key]["mean"]:>21.2f}' for key in METRICS))
    print(
        'One seed separates nothing: this shows that the machinery works, not which loss is better.\n\n'
        f'Pictures: {folder / "report.html"} has all of them in one page that works offline;\n'
        f'  {folder / "figures"}/confusion_*.png  who is taken for whom\n'
        f'  {folder / "figures"}/attention.png    what the attention did\n\n{next_commands()}'
    )
