"""Check a copy of a data set before it is trusted.

python tools/verify_dataset.py CONFIG
python tools/verify_dataset.py --type RAFDB --root DIR

Exit status: 0 sound, 1 problems found, 2 unusable.
"""

import argparse
import json
import sys
from pathlib import Path

from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS

from dacl_mm.config import load_config
from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.synthetic.synthetic_faces import SyntheticFaces
from dacl_mm.errors import UserError
from dacl_mm.files import digest, write_atomic
from dacl_mm.verification.checks import leaked, verify
from dacl_mm.verification.pictures import draw_pictures
from dacl_mm.verification.summary import summarize, to_json

SPLIT_OPTIONS = ('pipeline', 'split', 'test_mode', 'exclude_file')


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', nargs='?', help='config file whose data set is checked')
    parser.add_argument('--type', help='reader: RAFDB, AffectNet, FER2013, FERPlus or FERFolder')
    parser.add_argument('--root', help='folder of the data set')
    parser.add_argument(
        '--options', nargs='+', action=DictAction, default={}, help='reader options, key=value'
    )
    parser.add_argument('--json', type=Path, help='file for everything found')
    parser.add_argument(
        '--out-dir', type=Path, help='folder of the pictures (default: one of its own in work_dirs/verify)'
    )
    parser.add_argument(
        '--write-exclude', type=Path, help='file for unreadable images and training images found elsewhere'
    )
    parser.add_argument(
        '--complete', action='store_true', help='counts that differ from the published ones are problems'
    )
    args = parser.parse_args()
    if (args.config is None) == (args.type is None):
        parser.error('name a CONFIG, or a reader by --type TYPE --root DIR')
    return args


def build(args: argparse.Namespace) -> FERDataset:
    """Build the reader, without reading yet."""
    if args.config is not None:
        options = load_config(args.config).test_dataloader.dataset.to_dict()
        options = {key: value for key, value in options.items() if key not in SPLIT_OPTIONS}
    else:
        options = dict(type=args.type)
    if args.root is not None:
        options['data_root'] = args.root
    options |= args.options
    reader = DATASETS.get(options['type'])
    if not (isinstance(reader, type) and issubclass(reader, FERDataset)) or reader is SyntheticFaces:
        raise UserError(
            f'{options["type"]} is no data set on disk: RAFDB, AffectNet, FER2013, FERPlus, FERFolder'
        )
    dataset: FERDataset = DATASETS.build({**options, 'lazy_init': True})
    return dataset


def default_folder(args: argparse.Namespace, dataset: FERDataset) -> Path:
    """Return a folder that no other config, root or option shares."""
    name = Path(args.config).stem if args.config else type(dataset).__name__
    key = digest([name, str(Path(dataset.data_root).resolve()), repr(sorted(args.options.items()))])
    return Path('work_dirs/verify') / f'{name}_{Path(dataset.data_root).name}_{key[:6]}'


def main() -> None:
    args = parse_args()
    init_default_scope('mmpretrain')
    dataset = build(args)
    layout, _ = dataset.detect_layout()
    parts, problems, notes = verify(dataset, args.complete)
    print(summarize(layout, parts, problems, notes))
    folder = args.out_dir or default_folder(args, dataset)
    print(f'pictures: {folder} ({len(draw_pictures(parts, problems, folder))} files)')
    if args.json:
        found = to_json(layout, parts, problems, notes)
        write_atomic(json.dumps(found, indent=1, ensure_ascii=False).encode(), args.json)
    if args.write_exclude:
        names = leaked(parts, problems)
        text = '# exclude_file: unreadable images, and training images found in another part\n'
        write_atomic((text + ''.join(f'{name}\n' for name in names)).encode(), args.write_exclude)
        print(f'{args.write_exclude}: {len(names)} images to leave out by exclude_file')
    sys.exit(1 if problems else 0)
