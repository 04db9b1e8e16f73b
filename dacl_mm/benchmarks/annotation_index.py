"""AffectNet at its real size: annotation files, read plainly and by their index."""

import io
from pathlib import Path

import numpy as np
from torch.utils.data import Dataset

from dacl_mm.datasets.readers.affectnet import COUNTS, AffectNet

from .memory import private_bytes


def write(root: Path, images: int) -> None:
    """Write the 2021 layout, class shares as published."""
    blobs = []
    for label in range(len(COUNTS)):
        buffer = io.BytesIO()
        np.save(buffer, np.array(str(label)))
        blobs.append(buffer.getvalue())
    labels = np.random.default_rng(0).choice(len(COUNTS), images, p=np.array(COUNTS) / sum(COUNTS))
    for part, count in (('train_set', images), ('val_set', 8)):
        for folder in ('annotations', 'images'):
            (root / part / folder).mkdir(parents=True)
        for i in range(count):
            (root / part / 'annotations' / f'{i}_exp.npy').write_bytes(blobs[labels[i]])
            (root / part / 'images' / f'{i}.jpg').touch()


def plain_loop(root: Path, images: int) -> list[str]:
    """What a data set without index does at every start."""
    folder = root / 'train_set' / 'annotations'
    return [str(np.load(f'{folder}/{i}_exp.npy', allow_pickle=False)) for i in range(images)]


def start(root: Path) -> AffectNet:
    """Start as a training does, by the index."""
    return AffectNet(data_root=str(root), split='trainval')


class Reading(Dataset[int]):
    """Reads records in a worker, and tells the worker's memory."""

    def __init__(self, data: AffectNet):
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> int:
        self.data.get_data_info(i)
        return private_bytes() if i % 1000 < 2 else 0
