"""Measure how faces lie in a training set's images, so that predictions cut faces out alike.

python tools/measure_framing.py CONFIG --checkpoint work_dirs/mine/best.pth
python tools/measure_framing.py CONFIG --json framing.json

Prints medians and spreads of the landmarks; --checkpoint writes them into the model's file, where
tools/predict.py finds them. --check N measures what it is worth on N images of the test set: their accuracy
as they are, wrongly framed, and pasted into scenes, with and without alignment.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from dacl_mm.config import load_config, set_options
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.saver import save_checkpoint
from dacl_mm.files import write_atomic
from dacl_mm.inference.classifier import TorchClassifier
from dacl_mm.inference.crops import SampledCrops
from dacl_mm.inference.detectors import build_detector
from dacl_mm.inference.framing import measure_framing
from dacl_mm.inference.framing_check import HEADER, check_framing
from dacl_mm.inference.from_checkpoint import KEY

from .arguments import add_config_options


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config whose training images are measured')
    parser.add_argument('--checkpoint', type=Path, help='trained model that keeps the result')
    parser.add_argument(
        '--images', type=int, default=2000, metavar='N', help='images, drawn at random (default: 2000)'
    )
    parser.add_argument('--seed', type=int, default=0, help='seed of all draws (default: 0)')
    parser.add_argument('--detector', default='retinaface', help='retinaface, mtcnn or yunet:FILE')
    parser.add_argument(
        '--check', type=int, metavar='N', help='test images whose accuracy is measured; needs --checkpoint'
    )
    parser.add_argument('--json', type=Path, help='file for all numbers')
    add_config_options(parser)
    args = parser.parse_args()
    if args.images < 1 or (args.check is not None and args.check < 1):
        parser.error('--images and --check must be positive')
    if args.check and not args.checkpoint:
        parser.error('--check needs the network: name its --checkpoint')
    return args


def main() -> None:
    args = parse_args()
    cfg = load_config(args.config)
    set_options(cfg, args.cfg_options)
    detector = build_detector(args.detector)
    classifier = TorchClassifier.from_files(None, str(args.checkpoint)) if args.checkpoint else None
    crops = SampledCrops(cfg.train_dataloader.dataset, args.images, args.seed)
    measured = measure_framing(crops.images('measured'), detector)
    print(measured)
    found = measured.to_dict()
    if classifier:
        classifier.info = replace(classifier.info, framing=measured.framing)
        store(args.checkpoint, classifier)
        print(f'{args.checkpoint}: framing written')
    if classifier and args.check:
        crops = SampledCrops(cfg.test_dataloader.dataset, args.check, args.seed)
        rows = check_framing(crops, classifier, measured.framing, detector, args.seed)
        found['check'] = []
        print(HEADER)
        for row in rows:
            print(row, flush=True)
            found['check'].append(row._asdict())
    if args.json:
        write_atomic(json.dumps(found, indent=1).encode(), args.json)


def store(path: Path, classifier: TorchClassifier) -> None:
    """Write a network's description into its checkpoint, in one step."""
    checkpoint = dict(load_checkpoint(path, 'cpu'))
    checkpoint['meta'] = dict(checkpoint.get('meta') or {}) | {KEY: classifier.info.to_dict()}
    save_checkpoint(checkpoint, path)
