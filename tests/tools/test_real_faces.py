"""Training on real faces in RAF-DB's layout, through the command lines."""

import json
import os
from collections import Counter

import pytest
import torch
from conftest import REPO, run_tool

CONFIG = REPO / 'configs' / 'dacl_r18_rafdb.py'
SMALL = [
    *(f'{part}_dataloader.dataset.pipeline.1.scale=72' for part in ('train', 'val', 'test')),
    *(f'{part}_dataloader.dataset.pipeline.2.crop_size=64' for part in ('train', 'val', 'test')),
    *(f'{part}_dataloader.num_workers=1' for part in ('train', 'val', 'test')),
    'train_dataloader.batch_size=32',
    'model.head.feat_size=2',
    'train_cfg.max_epochs=8',
    'param_scheduler.step_size=6',
    'default_hooks.logger.interval=1',
]


@pytest.mark.slow
def test_loss_falls_and_accuracy_beats_the_majority_class(faces, tmp_path):
    root = faces('rafdb', train=700, test=300)
    env = {**os.environ, 'RAFDB_ROOT': str(root)}
    run_tool('train', CONFIG, '--work-dir', tmp_path, '--no-validate', '--cfg-options', *SMALL, env=env)
    checkpoint = tmp_path / 'epoch_8.pth'
    log = torch.load(checkpoint, weights_only=True)['message_hub']['log_scalars']
    loss = log['train/loss_cls']['log_history']
    first, last = loss[:20], loss[-20:]
    assert sum(last) < 0.85 * sum(first)

    out = tmp_path / 'metrics.json'
    run_tool('test', CONFIG, checkpoint, '--work-dir', tmp_path, '--out', out, '--out-item', 'metrics',
             '--cfg-options', *SMALL, env=env)  # fmt: skip
    rows = (root / 'basic' / 'EmoLabel' / 'list_patition_label.txt').read_text().splitlines()
    labels = Counter(row.split()[1] for row in rows if row.startswith('test_'))
    majority = 100 * max(labels.values()) / sum(labels.values())
    assert json.loads(out.read_text())['accuracy/top1'] > majority + 5


@pytest.mark.slow
def test_the_list_of_ferplus_leaks_is_what_verification_finds(faces, tmp_path):
    found = tmp_path / 'leaks.txt'
    config = REPO / 'configs' / 'compare' / 'ferplus_64px.py'
    env = {**os.environ, 'FERPLUS_ROOT': str(faces('ferplus'))}
    more = ('--write-exclude', found, '--out-dir', tmp_path / 'pictures')
    done = run_tool('verify_dataset', config, *more, check=False, env=env)
    assert done.returncode == 1, done.stderr[-2000:]
    shipped = REPO / 'configs' / '_base_' / 'datasets' / 'ferplus_publictest_leaks.txt'
    lists = [set(path.read_text().splitlines()[1:]) for path in (found, shipped)]
    assert lists[0] == lists[1] and len(lists[0]) == 379
