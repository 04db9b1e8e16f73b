#!/usr/bin/env python
"""AffectNet at its real size: the index against a plain loop, and the workers' memory.

python tools/benchmark_index.py [--images 287651]

Writes that many annotation files (and empty images) into a temporary folder.
"""

import argparse
import io
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader, Dataset

from dacl_mm import cli
from dacl_mm.datasets import AffectNet
from dacl_mm.datasets.affectnet import COUNTS


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
    return [str(np.load(f'{root}/train_set/annotations/{i}_exp.npy')) for i in range(images)]


def start(root: Path) -> AffectNet:
    return AffectNet(data_root=str(root), split='trainval')


def private_kib() -> int:
    """Memory of this process that it shares with no other, in KiB."""
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()[1:]
    return sum(int(line.split()[1]) for line in lines if line.startswith('Private'))


class Reading(Dataset):
    """Reads records in a worker, and tells the worker's memory."""

    def __init__(self, data: AffectNet):
        self.data = data

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, i: int) -> int:
        self.data.get_data_info(i)
        return private_kib() if i % 1000 < 2 else 0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--images', type=int, default=287_651)
    parser.add_argument('--rounds', type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root, cache = Path(folder) / 'data', Path(folder) / 'cache'
        os.environ['DACL_CACHE'] = str(cache)
        write(root, args.images)
        for _ in range(args.rounds):
            shutil.rmtree(cache, ignore_errors=True)
            times = []
            for job in (lambda: plain_loop(root, args.images), lambda: start(root), lambda: start(root)):
                begin = time.perf_counter()
                job()
                times.append(time.perf_counter() - begin)
            plain, first, later = times
            print(f'first start / plain loop {first / plain:.2f}, later start / first {later / first:.3f}')
        loader = DataLoader(Reading(start(root)), 512, num_workers=1, persistent_workers=True)
        for epoch in range(3):
            memory = [m for batch in loader for m in batch.tolist() if m]
            begin, end = (np.mean(part) / 1024 for part in np.array_split(memory, 10)[::9])
            print(f'private memory of a worker in epoch {epoch + 1}: from {begin:.1f} to {end:.1f} MiB')


if __name__ == '__main__':
    cli.run(main)
