"""MMPretrain with this package imported is MMPretrain."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch


@pytest.mark.promise(
    'Host',
    'the package is imported into a process of MMPretrain',
    'it adds to registries, and changes nothing',
)
def test_an_import_adds_and_changes_nothing():
    command = [sys.executable, str(Path(__file__).with_name('state.py')), 'dacl_mm']
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found['changed'] == [] and found['lost'] == []
    assert len(found['added']) >= 50 and all(module.startswith('dacl_mm.') for module in found['added'])


def same(a, b, where: str) -> list[str]:
    """Return where two results differ in a bit."""
    if type(a) is not type(b):
        return [f'{where}: {type(a)} and {type(b)}']
    if isinstance(a, dict):
        keys = [f'{where}: keys {sorted(a.keys() ^ b.keys())}'] if a.keys() != b.keys() else []
        return keys + [d for key in a.keys() & b.keys() for d in same(a[key], b[key], f'{where}.{key}')]
    if isinstance(a, list | tuple):
        parts = [d for i, (x, y) in enumerate(zip(a, b)) for d in same(x, y, f'{where}[{i}]')]
        return parts + ([f'{where}: length'] if len(a) != len(b) else [])
    equal = torch.equal(a, b) if isinstance(a, torch.Tensor) else np.array_equal(a, b)
    return [] if equal else [where]


def results(folder: Path, *packages: str) -> dict:
    folder.mkdir()
    env = {k: v for k, v in os.environ.items() if not k.startswith('TORCH_FORCE')}
    command = [sys.executable, str(Path(__file__).with_name('host.py')), '.', *packages]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    return pickle.loads((folder / 'found.pkl').read_bytes())


@pytest.mark.promise(
    'Host', "MMPretrain's own models, Runner and inferencer train, save, load and predict", 'bit-identical'
)
@pytest.mark.promise(
    'Host', "a host's own checkpoints are loaded", 'the same objects, or the same kind of refusal'
)
@pytest.mark.slow
def test_mmpretrain_does_the_same_to_the_bit(tmp_path):
    without, imported = results(tmp_path / 'without'), results(tmp_path / 'with', 'dacl_mm')
    assert same(without, imported, 'found') == []
    assert without['files']['refused'] == 'UnpicklingError' and 'message_hub' in without['files']['allowed']
    assert {'epoch_1.pth', 'epoch_2.pth'} < set(without['runner']['files'])
    assert len(without['resnet']['weights']) == 122 and without['runner']['scores'].sum() > 0.99
