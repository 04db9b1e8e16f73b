"""Whole runs through the command lines, on the embedded data set."""

import copy
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import layouts
import numpy as np
import pytest
import torch
from conftest import REPO, TINY, run_tool
from mmengine.config import Config

CONFIG = REPO / 'configs' / 'dacl_r18_synthetic.py'
BATCH = 'train_dataloader.batch_size'
EXPLODES = ['param_scheduler.eta_max=1e12', 'param_scheduler.div_factor=1.0']


@pytest.fixture(scope='module')
def killed_and_resumed(tmp_path_factory):
    """Train two epochs, kill the process, resume to the third."""
    work = tmp_path_factory.mktemp('run')
    command = [sys.executable, REPO / 'tools/train.py', CONFIG, '--work-dir', work, '--cfg-options', *TINY]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 300
        while not (work / 'epoch_2.pth').exists() and time.monotonic() < deadline:
            assert process.poll() is None, 'training ended early'
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    (work / 'last_checkpoint').write_text('')  # what a kill while it is written leaves
    reached = max(int(p.stem[6:]) for p in work.glob('epoch_*.pth'))
    (work / 'epoch_1.pth').touch()  # what a kill before its removal leaves
    done = run_tool('train', CONFIG, '--work-dir', work, '--resume', '--cfg-options', *TINY)
    return work, reached, done.stdout + done.stderr


def test_resume_goes_on_and_closes_with_the_table(killed_and_resumed):
    work, reached, log = killed_and_resumed
    assert f'resumed epoch: {reached}' in log
    assert 'mean-class' in log and str(work / 'epoch_3.pth') in log
    assert (work / 'confusion_matrix_val.png').stat().st_size > 10000
    assert [p.name for p in work.glob('epoch_*.pth')] == ['epoch_3.pth']
    assert len(list(work.glob('best_*.pth'))) == 1
    assert list(work.rglob('events.out.tfevents.*'))


def last_validation(work: Path) -> dict:
    """Return what the log of the last process holds of its last validation."""
    lines = max(work.rglob('vis_data/scalars.json')).read_text().splitlines()
    return [row for row in map(json.loads, lines) if 'accuracy/top1' in row][-1]


def test_checkpoint_is_plain_and_holds_the_whole_history(killed_and_resumed):
    work, _, _ = killed_and_resumed
    checkpoint = torch.load(work / 'epoch_3.pth', weights_only=True)
    assert checkpoint['state_dict']['head.loss_center.centers'].shape == (7, 512)
    history = checkpoint['message_hub']['runtime_info']['history_of_validation']
    assert [row['epoch'] for row in history] == [1, 2]  # it is written before its own validation
    # Two iterations an epoch, before and after the kill.
    assert len(checkpoint['message_hub']['log_scalars']['train/loss']['log_history']) == 6


def test_test_equals_the_last_validation(killed_and_resumed, tmp_path):
    work, _, _ = killed_and_resumed
    on_val = [*TINY, 'test_dataloader.dataset.split=val']
    out = tmp_path / 'metrics.json'
    checkpoint = work / 'epoch_3.pth'
    run_tool('test', CONFIG, checkpoint, '--out', out, '--out-item', 'metrics', '--work-dir', tmp_path,
             '--cfg-options', *on_val)  # fmt: skip
    last, tested = last_validation(work), json.loads(out.read_text())
    assert len(tested) > 10
    for key, value in tested.items():
        assert value == pytest.approx(last[key], abs=1e-4), key


def test_predictions_do_not_depend_on_the_batch(killed_and_resumed, tmp_path):
    work, _, _ = killed_and_resumed
    scores = {}
    for name, shuffled in ((1, False), (7, True)):
        options = [f'test_dataloader.batch_size={name}', f'test_dataloader.sampler.shuffle={shuffled}']
        out = tmp_path / f'{name}.pkl'
        run_tool('test', CONFIG, work / 'epoch_3.pth', '--dump', out, '--work-dir', tmp_path,
                 '--cfg-options', *TINY, *options)  # fmt: skip
        rows = pickle.loads(out.read_bytes())
        scores[name] = {r['img_path']: r['pred_score'].numpy() for r in rows}
    alone, together = scores.values()
    assert list(alone) != list(together) and alone.keys() == together.keys() and len(alone) == 28
    for image, score in together.items():
        np.testing.assert_allclose(score, alone[image], atol=1e-5, err_msg=image)


def test_the_best_checkpoint_tests_and_prints_a_table(killed_and_resumed, tmp_path):
    work, _, _ = killed_and_resumed
    (best,) = work.glob('best_*.pth')
    weights = torch.load(best, weights_only=True)['state_dict']
    assert not [name for name in weights if 'attention' in name or 'center' in name]
    done = run_tool('test', CONFIG, best, '--work-dir', tmp_path, '--cfg-options', *TINY)
    assert 'do not match' not in done.stdout + done.stderr
    table = (done.stdout + done.stderr).split('test results (%):')[1]
    for row in ('accuracy', 'mean-class accuracy', 'F1 (macro)', 'AUC-ROC (macro)', 'recall: disgust'):
        assert re.search(rf'^{re.escape(row)} +\d+\.\d\d$', table, re.MULTILINE), row
    assert 'fer/recall' not in done.stdout + done.stderr


def test_the_best_checkpoint_strips_to_what_mmpretrain_loads(killed_and_resumed, tmp_path):
    work, _, _ = killed_and_resumed
    (best,) = work.glob('best_*.pth')
    done = run_tool('strip_checkpoint', best, tmp_path / 'plain.pth')
    assert re.search(r'plain\.pth: 44\.\d MB', done.stdout)
    plain, weights = (torch.load(path, weights_only=True) for path in (tmp_path / 'plain.pth', best))
    assert plain['meta']['dataset_meta']['classes'] == weights['meta']['dataset_meta']['classes']
    assert plain['state_dict'].keys() == weights['state_dict'].keys()
    assert all(torch.equal(value, weights['state_dict'][key]) for key, value in plain['state_dict'].items())
    cfg = Config.fromfile(tmp_path / 'plain.py')
    assert cfg.model.head == dict(type='LinearClsHead', num_classes=7, in_channels=512)
    pipeline = [transform.type for transform in cfg.test_dataloader.dataset.pipeline]
    assert pipeline == ['LoadImageFromFile', 'Resize', 'CenterCrop', 'PackInputs']


def test_corrupted_images_and_the_attention_of_a_checkpoint(killed_and_resumed, tmp_path):
    work, _, _ = killed_and_resumed
    out = tmp_path / 'metrics.json'
    flags = ['--attention', '--robustness', '--corruptions', 'contrast', 'crop', '--strengths', '1', '5']
    done = run_tool('test', CONFIG, work / 'epoch_3.pth', *flags, '--out', out, '--out-item', 'metrics',
                    '--work-dir', tmp_path, '--cfg-options', *TINY)  # fmt: skip
    found = json.loads((tmp_path / 'robustness.json').read_text(), parse_constant=pytest.fail)
    assert found['clean'] == pytest.approx(json.loads(out.read_text()))
    assert list(found['corruptions']) == ['contrast', 'crop'] and found['strengths'] == [1, 5]
    text = done.stdout + done.stderr
    assert re.search(r'^crop +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d +\d+\.\d\d$', text, re.MULTILINE)
    described = json.loads((tmp_path / 'attention.json').read_text())
    assert described['images'] == 28 and 0 <= described['input_share'] <= 1
    assert 'of the variance of A lies between the 28 images' in text
    assert all((tmp_path / f'{name}.png').stat().st_size > 10000 for name in ('robustness', 'attention'))


def test_a_best_checkpoint_has_no_attention_to_describe(killed_and_resumed, tmp_path):
    (best,) = killed_and_resumed[0].glob('best_*.pth')
    done = run_tool('test', CONFIG, best, '--attention', '--work-dir', tmp_path, '--cfg-options', *TINY,
                    check=False)  # fmt: skip
    assert done.returncode == 2 and 'has no weights of the attention' in done.stderr


@pytest.mark.slow
def test_classes_in_another_order_are_taken_from_the_checkpoint(killed_and_resumed, tmp_path):
    work, _, _ = killed_and_resumed
    layouts.folder(tmp_path / 'faces')
    config = tmp_path / 'faces.py'
    config.write_text(f"""_base_ = {str(CONFIG)!r}
pipeline = [dict(type='LoadFace'), dict(type='ResizeEdge', scale=64), dict(type='PackInputs')]
test_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type='FERFolder',
        data_root={str(tmp_path / 'faces')!r},
        split='test',
        test_mode=True,
        pipeline=pipeline,
    )
)
model = dict(head=dict(attention=dict(hidden_channels=[32, 16, 8])))
""")
    original = torch.load(work / 'epoch_3.pth', weights_only=True)
    fc = original['state_dict']
    # Predictions of several classes, which the weights of three epochs do not give.
    fc['head.fc.weight'] = torch.randn(7, 512, generator=torch.Generator().manual_seed(0))
    order = torch.tensor([3, 0, 6, 1, 5, 2, 4])
    turned = copy.deepcopy(original)
    for name in ('head.fc.weight', 'head.fc.bias', 'head.loss_center.centers'):
        turned['state_dict'][name] = fc[name][order]
    classes = original['meta']['dataset_meta']['classes']
    turned['meta']['dataset_meta']['classes'] = tuple(classes[i] for i in order)
    metrics = {}
    for name, checkpoint in (('original', original), ('turned', turned)):
        torch.save(checkpoint, tmp_path / f'{name}.pth')
        out = tmp_path / f'{name}.json'
        done = run_tool('test', config, tmp_path / f'{name}.pth', '--out', out, '--out-item', 'metrics',
                        '--work-dir', tmp_path, '--cfg-options', 'test_dataloader.num_workers=0')  # fmt: skip
        metrics[name] = json.loads(out.read_text())
    assert 'classes in another order, which is taken over: surprise, neutral' in done.stdout + done.stderr
    assert len({v for k, v in metrics['original'].items() if '/recall/' in k}) > 1
    assert metrics['turned'] == pytest.approx(metrics['original'], abs=1e-4)


@pytest.mark.parametrize(
    ('tool', 'args', 'message'),
    [
        ('train', ['nowhere.py'], 'nowhere.py does not exist'),
        ('train', [REPO / 'configs/dacl_r18_rafdb.py'], 'RAFDB_ROOT'),
        ('train', [REPO / 'configs/softmax_r18_folder.py'], 'FER_FOLDER_ROOT'),
        ('train', [CONFIG, '--resume', 'nowhere.pth'], 'nowhere.pth does not exist'),
        ('train', [CONFIG, '--cfg-options', 'val_dataloader.dataset.split=test'], 'paper protocol'),
        ('train', [CONFIG, '--cfg-options', 'model.head.feat_size=7', *TINY], 'feat_size'),
        (
            'train',
            [CONFIG, '--cfg-options', 'train_cfg.max_epochs.x=1'],
            '--cfg-options train_cfg.max_epochs.x',
        ),
        (
            'train',
            [CONFIG, '--cfg-options', *TINY, f'{BATCH}=512'],
            '64 training images < batch',
        ),
        (
            'train',
            [CONFIG, '--cfg-options', *TINY, f'{BATCH}=1'],
            'batch_size to 2 or more',
        ),
        (
            'train',
            [CONFIG, '--cfg-options', *TINY, *EXPLODES],
            'epoch 1, iteration 2: the feature map is not finite',
        ),
        ('test', [CONFIG, 'nowhere.pth'], 'nowhere.pth does not exist'),
        ('test', [CONFIG, 'empty.pth', '--cfg-options', *TINY], 'backbone.conv1.weight is missing'),
        ('convert_checkpoint', ['nowhere.pth', 'x.pth'], 'nowhere.pth does not exist'),
    ],
)
def test_mistakes_end_with_one_message(tmp_path, tool, args, message):
    env = {k: v for k, v in os.environ.items() if not k.endswith('_ROOT')}
    torch.save(dict(state_dict={}), tmp_path / 'empty.pth')
    done = run_tool(tool, *args, check=False, cwd=tmp_path, env=env)
    assert done.returncode == 2
    last = done.stderr.split('error: ')[-1]
    assert message in last and 'Traceback' not in done.stderr, done.stderr[-2000:]
