"""The embedded data set."""

from typing import Any

import numpy as np
from mmengine.logging import print_log
from mmpretrain.registry import DATASETS

from dacl_mm.datasets.base import FERDataset
from dacl_mm.datasets.labels import class_index
from dacl_mm.datasets.options import SPLITS
from dacl_mm.errors import UserError


@DATASETS.register_module()
class SyntheticFaces(FERDataset):
    """Procedural faces: no download, no licence, drawn when they are read.

    Identity, pose, light, occlusion and noise vary at random; the expression
    follows facial action units (see :mod:`dacl_mm.datasets.synthetic.faces`). An image
    depends on ``seed``, its split and its index alone. The pipeline starts with
    ``DrawFace``. The splits are drawn apart, so nothing is carved from 'train'
    ('trainval' is 'train').

    Args:
        num_images: Images of the split; classes take turns.
        seed: Seed of the drawing.
        **kwargs: Those of :class:`FERDataset`.
    """

    def __init__(self, num_images: int = 2000, seed: int = 0, **kwargs: Any):
        if num_images < 1:
            raise UserError(f'num_images must be positive, got {num_images}')
        self.num_images = num_images
        self.seed = seed
        super().__init__(**kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        if self.storage is not None:
            print_log('storage: drawn faces are not stored', logger='current')
        index = class_index(self.CLASSES)
        part = SPLITS.index('train' if self.split == 'trainval' else self.split)
        seeds = np.random.SeedSequence([self.seed, part]).generate_state(self.num_images, np.uint64)
        label = np.arange(self.num_images) % len(index)
        if self.label_noise is not None:
            label = self.label_noise.apply(label, len(index))
        return [
            dict(
                img_path=f'synthetic/{self.split}/{i:06d}.png',
                face_seed=int(seed),
                expression=self.CLASSES[i % len(index)],
                gt_label=int(label[i]),
            )
            for i, seed in enumerate(seeds)
        ]
