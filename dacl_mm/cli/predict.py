"""Name the expressions of the faces in photographs, folders, videos, and what a camera sees.

python tools/predict.py photo.jpg
python tools/predict.py photos/ clip.mp4 --out faces.csv --draw pictures
python tools/predict.py crops/ --faces crop --model work_dirs/mine/best.pth --out faces.jsonl
find . -name '*.png' | python tools/predict.py - --out faces.csv

Ends with status 0, 1 if a file could not be read (the rest is predicted), or 2 after a mistake.
"""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path

from dacl_mm.inference.outputs import Outputs
from dacl_mm.inference.pictures import PictureFolder
from dacl_mm.inference.predictor import Predictor
from dacl_mm.inference.run import predict_sources
from dacl_mm.inference.smoothing import SECONDS
from dacl_mm.inference.sources import find_sources, listed_sources
from dacl_mm.inference.window import Window
from dacl_mm.inference.writers import check_name, row_file

from .predictor_options import add_predictor


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        'source',
        nargs='+',
        help='image, video, folder, pattern ("*.jpg"), webcam[:N], or - alone: paths from the standard '
        'input, one a line',
    )
    add_predictor(parser)
    parser.add_argument(
        '--faces',
        choices=['detect', 'crop'],
        default='detect',
        help='look for faces, or take each image for a face that is cut out already (default: detect)',
    )
    parser.add_argument('--out', type=Path, help='file of rows, one a face: NAME.csv or NAME.jsonl')
    parser.add_argument('--draw', type=Path, metavar='DIR', help='folder of annotated pictures and videos')
    parser.add_argument('--show', action='store_true', help='show predictions in a window')
    parser.add_argument('--batch-size', type=int, default=32, help='faces at a time (default: 32)')
    parser.add_argument(
        '--smooth',
        type=float,
        default=SECONDS,
        metavar='SECONDS',
        help=f'time constant of the average over frames of a video, 0 for none (default: {SECONDS})',
    )
    parser.add_argument('--quiet', action='store_true', help='say nothing but what went wrong')
    args = parser.parse_args()
    if '-' in args.source and len(args.source) > 1:
        parser.error('- stands alone: it reads all paths from the standard input')
    if args.smooth < 0:
        parser.error('--smooth must not be negative')
    return args


def main() -> None:
    args = parse_args()
    if args.out:
        check_name(args.out)
    from_input = args.source == ['-']
    sources = listed_sources(map(os.fsdecode, sys.stdin.buffer)) if from_input else find_sources(args.source)
    kinds = {'video', 'camera'} if from_input else {source.kind for source in sources}
    endless = from_input or 'camera' in kinds
    window = Window() if args.show else None
    pictures = PictureFolder(args.draw) if args.draw else None
    predictor = Predictor(
        args.model,
        config=args.config,
        device=args.device,
        faces=args.faces,
        detector=args.detector,
        batch_size=args.batch_size,
        min_face=args.min_face,
        unsure=args.unsure,
    )
    interrupted = False
    with ExitStack() as stack:
        rows = None
        if args.out:
            moving = bool(kinds - {'image'})
            rows = stack.enter_context(row_file(args.out, predictor.info.classes, moving, endless))
        outputs = Outputs(rows, pictures, window, args.quiet)
        try:
            predict_sources(predictor, sources, outputs, args.smooth)
        except KeyboardInterrupt:  # what has been predicted is kept
            interrupted = True
    outputs.say(closing(outputs, args))
    if interrupted:
        raise KeyboardInterrupt
    sys.exit(1 if outputs.unreadable else 0)


def closing(outputs: Outputs, args: argparse.Namespace) -> str:
    """Say what was done."""
    parts = [f'{outputs.images:,} images or frames, {outputs.faces:,} faces']
    if outputs.unreadable:
        parts.append(f'{outputs.unreadable:,} unreadable')
    parts += [f'{what}: {path}' for what, path in (('rows', args.out), ('pictures', args.draw)) if path]
    return '; '.join(parts)
