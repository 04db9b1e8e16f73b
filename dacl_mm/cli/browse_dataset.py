"""Show what the network sees: images after the pipeline.

python tools/browse_dataset.py CONFIG [--split train] [--output FILE.png | --show]
"""

import argparse
from pathlib import Path

import numpy as np
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from PIL import ImageShow

from dacl_mm.config import load_config, set_options
from dacl_mm.config.device_pipeline import device_transforms
from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.wrappers import leaf_datasets
from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors.pipeline import transformed
from dacl_mm.visualization import contact_sheet

from .arguments import add_config_options


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('config', help='config file')
    parser.add_argument('--split', choices=['train', 'val', 'test'], default='train', help='whose loader')
    parser.add_argument('--number', type=int, default=40, help='images, spread evenly over the split')
    parser.add_argument('--epoch', type=int, default=0, help='epoch of the augmentation draws')
    parser.add_argument('--output', type=Path, default=Path('browse.png'), help='picture to write')
    parser.add_argument('--show', action='store_true', help="open the system's viewer instead")
    add_config_options(parser)
    args = parser.parse_args()
    if args.number < 1:
        parser.error('--number must be positive')
    cfg = load_config(args.config)
    set_options(cfg, args.cfg_options)
    init_default_scope('mmpretrain')
    dataset = DATASETS.build(cfg[f'{args.split}_dataloader'].dataset)
    for leaf in leaf_datasets(dataset):
        if isinstance(leaf, FERDataset):
            leaf.pin_draws(cfg.randomness.seed or 0, args.epoch)
    index = np.unique(np.linspace(0, len(dataset) - 1, min(args.number, len(dataset))).astype(int))
    items = [dataset[int(i)] for i in index]
    transforms = device_transforms(cfg, training=args.split == 'train')
    images = [transformed(transforms, item['inputs'], item['data_samples']) for item in items]
    sheet = contact_sheet(
        [image.numpy()[::-1].transpose(1, 2, 0) for image in images],  # BGR, (3, H, W), to RGB
        [dataset.CLASSES[int(item['data_samples'].gt_label)] for item in items],
    )
    if args.show:
        if not ImageShow.show(sheet):
            raise UserError('--show found no viewer on this machine: write a picture with --output instead')
    else:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        sheet.save(args.output)
        print(f'{args.output}: {len(index)} of {len(dataset)} images of {args.split}')
