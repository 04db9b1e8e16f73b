"""Write a trained network as a folder that predicts without torch, or this package.

python tools/export.py CONFIG CHECKPOINT --out DIR [--precision float32 int8]

DIR gets ONNX models, a model card and predict.py. It is written if the models do on the held-out images of
CONFIG what the checkpoint does.
"""

import argparse
from pathlib import Path

from dacl_mm.inference.export import PRECISIONS
from dacl_mm.inference.export.packages import TO_EXPORT, require_packages

from .arguments import add_config_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file, whose data sets compare and calibrate')
    parser.add_argument('checkpoint', help='checkpoint file')
    parser.add_argument('--out', type=Path, required=True, help='folder to write, new or empty')
    parser.add_argument(
        '--precision', nargs='+', choices=PRECISIONS, default=['float32'], help='models (default: float32)'
    )
    parser.add_argument(
        '--max-loss',
        type=float,
        default=0.5,
        metavar='POINTS',
        help='accuracy that float16 and int8 may lose on the held-out images (default: %(default)s)',
    )
    parser.add_argument(
        '--calibration-images',
        type=int,
        default=512,
        metavar='N',
        help='training images from which int8 takes its ranges (default: %(default)s)',
    )
    add_config_options(parser)
    args = parser.parse_args()
    if args.calibration_images < 1:
        parser.error('--calibration-images must be >= 1')
    return args


def main() -> None:
    args = parse_args()
    require_packages(TO_EXPORT, 'an export')
    from dacl_mm.inference.export.bundle import export_bundle
    from dacl_mm.inference.export.source import read_source

    source = read_source(args.config, args.checkpoint, args.cfg_options)
    found = export_bundle(source, args.out, args.precision, args.max_loss, args.calibration_images)
    for name in args.precision:
        its, size = found[name], (args.out / f'model_{name}.onnx').stat().st_size
        print(
            f'{name}: {size / 1e6:.1f} MB, accuracy {its.accuracy:.2f} % on {its.images:,} held-out images '
            f'(torch {its.torch_accuracy:.2f} %), a probability differs by {its.difference:.1e} at most'
        )
    print(f'{args.out}: python {args.out / "predict.py"} PHOTO')
