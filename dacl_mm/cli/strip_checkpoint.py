"""Write a trained model as a plain MMPretrain checkpoint, for prediction without this package.

python tools/strip_checkpoint.py SRC DST.pth

DST.pth holds what predicts, and DST.py beside it the config that MMPretrain loads it with.
"""

import argparse
from pathlib import Path

from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.saver import save_checkpoint
from dacl_mm.engine.checkpoint.stock import to_stock
from dacl_mm.errors import UserError
from dacl_mm.files import write_atomic

MARK = '# Written by tools/strip_checkpoint.py of dacl_mm'


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('src', help='checkpoint of a training: best_*.pth or epoch_*.pth')
    parser.add_argument('dst', help='checkpoint to write, ending in .pth')
    args = parser.parse_args()
    weights = Path(args.dst)
    if weights.suffix != '.pth':
        parser.error(f'DST must end in .pth, got {args.dst}')
    config = weights.with_suffix('.py')
    source = load_checkpoint(args.src, map_location='cpu')
    if weights.exists() and weights.samefile(args.src):
        raise UserError(f'{weights} is the source: name another file, which will hold less')
    if config.exists() and not config.read_text().startswith(MARK):
        raise UserError(f'{config} is there already, and not from here: name another DST.pth')
    checkpoint, cfg = to_stock(source, args.src)
    save_checkpoint(checkpoint, weights)
    write_atomic(f'{MARK}: builds the model of {weights.name}.\n{cfg.pretty_text}'.encode(), config)
    print(
        f'{weights}: {weights.stat().st_size / 1e6:.1f} MB, written from {args.src}\n'
        f'from mmpretrain import ImageClassificationInferencer\n'
        f"ImageClassificationInferencer('{config}', pretrained='{weights}')('face.jpg')"
    )
