"""Train DACL and softmax on the embedded faces, test both, and let the shipped model name what it sees."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import cv2

from dacl_mm.comparison.analysis.tables import METRICS
from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.hub import config_dir

from .run import program

NEXT = """What to do next:
  {predict} photo.jpg --draw pictures    # your own, or a folder, a video, webcam
  {verify} --type RAFDB --root /data/RAF-DB    # is your copy of a data set sound?
  RAFDB_ROOT=/data/RAF-DB {train} dacl_r18_rafdb.py
  {compare} compare/synthetic.py --seeds 3 --work-dir work_dirs/compare"""


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--work-dir', type=Path, default=Path('work_dirs/demo'))
    parser.add_argument('--photo', type=Path, help='a photograph, whose faces the shipped model is shown')
    parser.add_argument('--cfg-options', nargs='+', default=[], help='override config keys of both methods')
    args = parser.parse_args()
    if args.photo and not args.photo.is_file():
        parser.error(f'{args.photo} does not exist')
    return args


def next_commands() -> str:
    """Name three commands, as they are called where this one came from."""
    if program()[0] == 'dacl-mm':
        return NEXT.format(**{name: f'dacl-mm {name}' for name in ('predict', 'verify', 'train', 'compare')})
    folder = Path(sys.argv[0]).parent
    tools = dict(predict='predict', verify='verify_dataset', train='train', compare='compare')
    return NEXT.format(**{name: f'python {folder / tool}.py' for name, tool in tools.items()})


def call(*command: str) -> None:
    """Run a command of this package, and end with it where it fails."""
    if code := subprocess.run([sys.executable, '-m', 'dacl_mm.cli', *command]).returncode:
        sys.exit(code)


def draw_faces(folder: Path) -> None:
    """Draw an embedded face of each expression."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, expression in enumerate(PAPER_CLASSES):
        cv2.imwrite(str(folder / f'{expression}.png'), draw_face(expression, seed, 96))


def main() -> None:
    args = parse_args()
    folder = args.work_dir
    options = ['--cfg-options', *args.cfg_options] if args.cfg_options else []
    demo_set = str(config_dir() / 'compare' / 'demo.py')
    call('compare', demo_set, '--seeds', '1', '--jobs', '2', '--work-dir', str(folder), *options)
    results = json.loads((folder / 'results.json').read_text())
    print('\nTest faces, one seed (%):')
    print(f'{"":10}' + ''.join(f'{name:>21}' for name in METRICS.values()))
    for row in results['methods']:
        print(f'{row["method"]:10}' + ''.join(f'{row[key]["mean"]:>21.2f}' for key in METRICS))
    print(
        'One seed separates nothing: this shows that the machinery works, not which loss is better.\n\n'
        f'Pictures: {folder / "report.html"} has all of them in one page that works offline;\n'
        f'  {folder / "figures"}/confusion_*.png  who is taken for whom\n'
        f'  {folder / "figures"}/attention.png    what the attention did\n'
    )
    draw_faces(folder / 'faces')
    print('The shipped model, trained on photographs, looks at drawings of what their names say:')
    call('predict', str(folder / 'faces'), '--faces', 'crop', '--draw', str(folder / 'predicted'))
    if args.photo:
        print(f'\nIt looks for faces in {args.photo}:')
        call('predict', str(args.photo), '--draw', str(folder / 'predicted'))
    print(f'\n{next_commands()}')
