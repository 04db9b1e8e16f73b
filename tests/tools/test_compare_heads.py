"""Heads on frozen features, through the command line."""

import csv
import json

import pytest
import torch
from conftest import REPO, run_tool
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from dacl_mm.config import load_config

SET = REPO / 'configs' / 'compare' / 'synthetic_field.py'
SMALL = [
    'train_dataloader.dataset.num_images=70',
    'val_dataloader.dataset.num_images=70',
    'train_dataloader.num_workers=0',
    'val_dataloader.num_workers=0',
]


@pytest.fixture(scope='module')
def checkpoints(tmp_path_factory):
    """Two backbones, of two seeds, that nobody trained."""
    init_default_scope('mmpretrain')
    folder, files = tmp_path_factory.mktemp('backbones'), []
    for seed in range(2):
        torch.manual_seed(seed)
        model = MODELS.build(load_config('softmax_r18_synthetic').model)
        files.append(folder / f'seed{seed}.pth')
        torch.save(dict(state_dict=model.state_dict()), files[-1])
    return files


@pytest.mark.slow
def test_heads_are_compared_in_pairs(tmp_path, checkpoints):
    methods = ['softmax', 'ratio', 'ratio_fixed', 'scn']
    short = ['--views', 2, '--epochs', 2, '--batch-size', 16]
    args = [SET, '--work-dir', tmp_path, '--methods', *methods, *short]
    done = run_tool('compare_heads', *args, '--checkpoints', *checkpoints, '--cfg-options', *SMALL)
    rows = list(csv.DictReader((tmp_path / 'heads.csv').open()))
    assert [(row['method'], row['seed']) for row in rows] == [(m, s) for m in methods for s in '01']
    spread = {m: [row['attention_spread'] for row in rows if row['method'] == m] for m in methods}
    assert spread['softmax'] == spread['scn'] == ['', '']
    assert [float(value) for value in spread['ratio_fixed']] == [0, 0]
    assert all(float(value) > 0 for value in spread['ratio'])
    found = json.loads((tmp_path / 'heads.json').read_text())
    assert found['reference'] == 'softmax'
    assert {(d['a'], d['metric']) for d in found['differences']} == {
        (m, metric) for m in methods[1:] for metric in ('accuracy', 'mean_class_accuracy')
    }
    by_seed = {(row['method'], row['seed']): float(row['accuracy']) for row in rows}
    for d in found['differences']:
        if d['metric'] == 'accuracy':
            expected = sum(by_seed[d['a'], s] - by_seed['softmax', s] for s in '01') / 2
            assert d['mean'] == pytest.approx(expected)
    assert '70 validation images, 2 seeds' in done.stdout
    again = run_tool(
        'compare_heads', SET, '--work-dir', tmp_path / 'again', '--methods', 'softmax', *short,
        '--checkpoints', checkpoints[0], '--cfg-options', *SMALL,
    )  # fmt: skip
    assert f'seed 0, softmax: {by_seed["softmax", "0"]:.2f} %' in again.stdout


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (['--methods', 'softmx'], 'there is no method softmx'),
        (['--methods', 'softmax', 'softmax'], 'twice'),
        (['--methods', 'softmax', 'eac'], 'FlipViewClassifier'),
        (['--methods', 'softmax', '--cfg-options', 'model.backbone.stem_channels=32'], 'does not fit'),
    ],
)
def test_what_cannot_be_compared_is_told(tmp_path, checkpoints, change, message):
    options = [] if '--cfg-options' in change else ['--cfg-options']
    args = [SET, '--work-dir', tmp_path, '--checkpoints', checkpoints[0], *change, *options, *SMALL]
    done = run_tool('compare_heads', *args, check=False)
    assert done.returncode == 2 and message in done.stderr and 'Traceback' not in done.stderr
