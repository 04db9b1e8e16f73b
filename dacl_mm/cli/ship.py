"""Write a trained model as the file that ships: what predicts in float16, calibrated on the held-out part.

python tools/ship.py CONFIG CHECKPOINT --out dacl_mm/weights/NAME.pth
"""

import argparse
import json
from pathlib import Path

from dacl_mm.config import load_config, require, set_loader_defaults, set_options
from dacl_mm.engine.checkpoint.fit import use_classes
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.saver import save_checkpoint
from dacl_mm.engine.held_out import check_held_out
from dacl_mm.errors import UserError
from dacl_mm.files import write_atomic
from dacl_mm.inference.shipping import to_shipped

from .arguments import add_config_options


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config of the training, whose validation part calibrates')
    parser.add_argument('checkpoint', help='checkpoint of the training: best_*.pth')
    parser.add_argument('--out', required=True, help='file to write, ending in .pth; names the model')
    parser.add_argument('--report', help='.json file for what was measured on the held-out part')
    parser.add_argument(
        '--accuracy',
        type=float,
        default=0.9,
        help='what predictions that are not called unsure reach on the held-out part (default: 0.9)',
    )
    parser.add_argument('--licence', default='', help='licence of the weights, one sentence')
    parser.add_argument('--training', default='', help='data and method, one sentence')
    add_config_options(parser)
    args = parser.parse_args()
    out = Path(args.out)
    if out.suffix != '.pth':
        parser.error(f'--out must end in .pth, got {args.out}')
    if not 0 < args.accuracy <= 1:
        parser.error(f'--accuracy is a share in (0, 1], got {args.accuracy}')
    cfg = load_config(args.config)
    set_options(cfg, args.cfg_options)
    require(cfg, 'model', 'test_dataloader')
    check_held_out(cfg, 'the temperature of a shipped model')
    set_loader_defaults(cfg, pin_memory=False, persistent_workers=False)
    source = load_checkpoint(args.checkpoint, map_location='cpu')
    if out.exists() and out.samefile(args.checkpoint):
        raise UserError(f'{out} is the source: name another file, which will hold less')
    use_classes(cfg.val_dataloader.dataset, source, args.checkpoint)
    shipped, held_out = to_shipped(
        source, args.checkpoint, cfg, out.stem, args.accuracy, args.licence, args.training
    )
    save_checkpoint(shipped, out)
    if args.report:
        write_atomic(f'{json.dumps(held_out._asdict(), indent=1)}\n'.encode(), args.report)
    print(
        f'{out}: {out.stat().st_size / 1e6:.2f} MB, written from {args.checkpoint}\n'
        f'on {held_out.images:,} held-out images: accuracy {100 * held_out.accuracy:.2f} %; float16 names '
        f'the same class on {100 * held_out.same_class:.2f} %; temperature {held_out.temperature:.3f} takes '
        f'the calibration error from {100 * held_out.ece_before:.2f} to {100 * held_out.ece:.2f} %; '
        f'confidence of {held_out.unsure:.3f} or more: {100 * held_out.coverage:.1f} % of them, '
        f'{100 * held_out.sure_accuracy:.2f} % right'
    )
