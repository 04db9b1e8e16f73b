"""Convert checkpoints of the DACL authors' code to ours, and back.

python tools/convert_checkpoint.py SRC DST [--reverse]
"""

import argparse
import math

import torch

from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.engine.checkpoint.fit import check_classes, classes_of
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.saver import save_checkpoint
from dacl_mm.errors import ReferenceFormatError
from dacl_mm.models.weights.reference import CENTERS, from_reference, to_reference


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', help='checkpoint to read')
    parser.add_argument('dst', help='checkpoint to write')
    parser.add_argument('--reverse', action='store_true', help="from ours to the authors' format")
    args = parser.parse_args()
    source = load_checkpoint(args.src, map_location='cpu')
    if args.reverse:
        if 'state_dict' not in source:
            raise ReferenceFormatError(f"{args.src} has no 'state_dict': not a checkpoint of dacl_mm")
        check_classes(classes_of(source), PAPER_CLASSES, args.src)
        result = to_reference(source['state_dict'], source.get('meta', {}).get('epoch', 0))
        note = f'{CENTERS} is left out: the format has no place for it'
    else:
        fc = source.get('model_state_dict', {})
        fc = next((v for k, v in fc.items() if k.removeprefix('module.') == 'fc.weight'), torch.empty(7, 512))
        generator = torch.Generator().manual_seed(0)
        centers = math.sqrt(2 / len(fc)) * torch.randn(fc.shape, generator=generator)
        state_dict, epoch = from_reference(source, centers)
        meta = dict(epoch=epoch, dataset_meta=dict(classes=PAPER_CLASSES))
        result = dict(meta=meta, state_dict=state_dict)
        note = f'{CENTERS} is drawn anew (seed 0): the file has none, and prediction needs none'
    save_checkpoint(result, args.dst)
    print(f'{args.dst}: written from {args.src}\n{note}')
