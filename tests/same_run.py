"""Whether two trainings were the same, to the bit."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

#: What may differ between two runs: times, ids, where they lie, and how often they saved.
OWN = ('config_values', 'time', 'data_time', 'eta', 'run_id', 'experiment_name', 'cfg', 'scalars', 'memory')
PATHS = ('last_ckpt', 'best_ckpt')


def state(path: Path) -> dict[str, Any]:
    """Return what a checkpoint says of the training, by dotted key."""
    return dict(_leaves(torch.load(path, weights_only=True), ''))


def _leaves(value: Any, key: str) -> Iterator[tuple[str, Any]]:
    name = key.rsplit('.', 1)[-1]
    if name.rsplit('/')[-1] in OWN:
        return
    if isinstance(value, dict):
        for child, its in value.items():
            yield from _leaves(its, f'{key}.{child}')
    elif isinstance(value, list | tuple):
        for i, its in enumerate(value):
            yield from _leaves(its, f'{key}.{i}')
    elif name in PATHS and isinstance(value, str):
        yield key, Path(value).name
    else:
        yield key, value


def scalars(work_dir: Path) -> list[dict[str, float]]:
    """Return the lines of the last process's scalars.json, without times."""
    file = sorted(work_dir.glob('*/vis_data/scalars.json'))[-1]
    rows = map(json.loads, file.read_text().splitlines())
    return [{key: value for key, value in row.items() if key not in OWN} for row in rows]


def assert_same_run(whole: Path, cut: Path) -> None:
    """Compare two work dirs: checkpoints, their states and the logged values."""
    names = [sorted(path.name for path in folder.glob('*.pth')) for folder in (whole, cut)]
    assert names[0] == names[1] and names[0]
    for name in names[0]:
        wanted, found = state(whole / name), state(cut / name)
        assert wanted.keys() == found.keys(), wanted.keys() ^ found.keys()
        different = [key for key in wanted if not _equal(wanted[key], found[key])]
        assert not different, f'{name}: {different[:20]}'
    assert scalars(whole) == scalars(cut)


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return bool(one == other) or (one != one and other != other)
