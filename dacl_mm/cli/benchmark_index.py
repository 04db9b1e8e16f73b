"""AffectNet at its real size: the index against a plain loop, and the workers' memory.

python tools/benchmark_index.py [--images 287651]

Writes that many annotation files (and empty images) into a temporary folder.
"""

import argparse
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
from torch.utils.data import DataLoader

from dacl_mm.benchmarks.annotation_index import Reading, plain_loop, start, write


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
            begin, end = (np.mean(part) / 2**20 for part in np.array_split(memory, 10)[::9])
            print(f'private memory of a worker in epoch {epoch + 1}: from {begin:.1f} to {end:.1f} MiB')
