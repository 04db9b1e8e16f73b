"""Photographs for the batched transforms: real faces where there are any, else drawn ones."""

import importlib.util
from functools import cache

import numpy as np
import torch
from conftest import SHARED
from mmpretrain.structures import DataSample
from PIL import Image

from dacl_mm.datasets.synthetic.faces import ACTION_UNITS, draw_face


@cache
def _sources():
    script = SHARED / 'tools' / 'fer_layouts.py'
    if not script.is_file():
        return [draw_face(name, seed) for seed in range(4) for name in ACTION_UNITS]
    spec = importlib.util.spec_from_file_location('fer_layouts', script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    _, pixels = module.load()
    return [np.stack([face] * 3, axis=-1) for face in pixels[::900]]


def faces(count, width=100, height=None, seed=0):
    """BGR images of uint8, (height, width, 3), tinted and noisy so that all channels differ."""
    size = (width, height or width)
    rng = np.random.default_rng(seed)
    images = []
    for i in range(count):
        image = np.asarray(Image.fromarray(_sources()[i % len(_sources())]).resize(size, Image.BICUBIC))
        tinted = image * rng.uniform(0.6, 1.1, 3) + rng.normal(0, 5, image.shape)
        images.append(tinted.round().clip(0, 255).astype(np.uint8))
    return images


def tensors(images):
    """As a loader hands them on: (3, H, W), in memory (H, W, 3)."""
    return [torch.from_numpy(image).permute(2, 0, 1) for image in images]


def samples(count, seed=0):
    """What comes with them."""
    return [
        DataSample(metainfo=dict(draw=(seed, 0, i, 0), num_classes=7)).set_gt_label(i % 7)
        for i in range(count)
    ]
