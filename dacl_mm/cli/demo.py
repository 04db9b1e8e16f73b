"""Train DACL and softmax on the embedded data set, test both, print one table."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

from dacl_mm.engine.checkpoint.resume import latest_checkpoint
from dacl_mm.hub import config_dir

METHODS = ('softmax', 'dacl')
COLUMNS = {
    'accuracy': 'accuracy/top1',
    'mean-class': 'fer/mean_class_accuracy',
    'macro F1': 'fer/f1_macro',
    'AUC-ROC': 'fer/auc_roc_macro',
    'calib. error': 'fer/ece',
}


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--cfg-options', nargs='+', default=[], help='passed on to training and testing')
    return parser.parse_args()


def tool(name: str, *arguments: object, options: list[str]) -> None:
    """Run a tool in its own process; its failure ends the demo."""
    command = [sys.executable, '-m', 'dacl_mm.cli', name, *map(str, arguments)]
    if options:
        command += ['--cfg-options', *options]
    if code := subprocess.run(command).returncode:
        sys.exit(code)


def main() -> None:
    args = parse_args()
    rows = {}
    for method in METHODS:
        config = config_dir() / f'{method}_r18_synthetic.py'
        folder = args.work_dir / method
        tool('train', config, '--work-dir', folder, options=args.cfg_options)
        metrics = folder / 'test.json'
        output = ('--out', metrics, '--out-item', 'metrics', '--work-dir', folder)
        tool('test', config, latest_checkpoint(folder), *output, options=args.cfg_options)
        rows[method] = json.loads(metrics.read_text())
    print('\nEmbedded test split, last epoch, one seed (%):')
    print(f'{"":10}' + ''.join(f'{name:>14}' for name in COLUMNS))
    for method, values in rows.items():
        print(f'{method:10}' + ''.join(f'{values[key]:>14.2f}' for key in COLUMNS.values()))
    print('\nOne seed separates nothing: this shows that the machinery works, not which loss is better.')
    for method in METHODS:
        print(f'confusion matrix: {args.work_dir / method / "confusion_matrix_test.png"}')
