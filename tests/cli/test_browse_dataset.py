"""The contact sheet shows images as the network sees them."""

import sys

import numpy as np
from PIL import Image

from dacl_mm.cli import browse_dataset
from dacl_mm.config import load_config
from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.models.preprocessors import has_counterpart


def test_transforms_of_the_device_are_shown(tmp_path, monkeypatch):
    cfg = load_config('softmax_r18_synthetic')
    for loader in (cfg.train_dataloader, cfg.test_dataloader):
        loader.dataset.num_images = 14
    sheets = {}
    for name in ('there', 'here'):
        if name == 'here':
            move_to_device(cfg, has_counterpart)
        cfg.dump(tmp_path / f'{name}.py')
        for split in ('train', 'test'):
            picture = tmp_path / f'{name}_{split}.png'
            arguments = [str(tmp_path / f'{name}.py'), '--split', split, '--output', str(picture)]
            monkeypatch.setattr(sys, 'argv', ['browse_dataset', *arguments])
            browse_dataset.main()
            sheets[name, split] = np.asarray(Image.open(picture))
    assert np.array_equal(sheets['here', 'test'], sheets['there', 'test'])
    assert sheets['here', 'train'].shape == sheets['there', 'train'].shape
    assert (sheets['here', 'train'] != sheets['there', 'train']).any()  # other draws
