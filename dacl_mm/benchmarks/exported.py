"""An exported network beside its torch original."""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from dacl_mm.config import load_config
from dacl_mm.inference.export.packages import TO_EXPORT, require_packages

from .inference import BATCHES
from .roofline import count_work
from .runtimes import build_runtimes
from .setting import Setting
from .table import Row, ratio
from .timing import Job, interleave, mean_seconds

#: The network that the package ships, and its side in pixels.
SMALL, SIDE = 'softmax_r18h_ferplus', 48


def export(setting: Setting) -> Iterator[Row]:
    """Predictions of 1 and of 64 crops by torch, ONNX Runtime, and OpenVINO where it is installed."""
    require_packages(TO_EXPORT, "the case 'export'")
    networks = {'r18h': (load_config(SMALL), SIDE), 'r18': (setting.config('softmax'), setting.size)}
    for name, (cfg, side) in networks.items():
        runtimes = build_runtimes(cfg, side, Path(tempfile.mkdtemp(dir=setting.folder)))
        for count in sorted({min(batch, setting.test) for batch in BATCHES}):
            crops = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)
            calls = max(1, BATCHES[-1] // 4 // count)  # a single image is too short to be timed
            jobs: dict[str, Job] = {key: partial(run, crops) for key, run in runtimes.items()}
            yield from _rows(f'export {count}: {name}', jobs, calls, setting)


def _rows(title: str, jobs: dict[str, Job], calls: int, setting: Setting) -> Iterator[Row]:
    best, side = count_work(jobs['torch']).best(setting.machine)
    timed = {name: partial(mean_seconds, job, calls) for name, job in jobs.items()}
    rows = {}
    for name, values in interleave(timed, setting.rounds).items():
        exact = name == 'torch' or name.endswith('float32')
        rows[name] = Row(f'{title}, {name}', values, 's', *((side, best) if exact else ()))
    yield from rows.values()
    for name, row in rows.items():
        if name != 'torch':
            yield ratio(f'{title}, {name} over torch', row, rows['torch'])
