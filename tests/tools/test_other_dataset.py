"""A model trained on one set, tested on another by config alone."""

import json
import pickle

import numpy as np
import torch
from conftest import REPO, run_tool
from layouts import affectnet_npy, rafdb

SMALL = """
pipeline = [dict(type='LoadFace'), dict(type='CenterCrop', crop_size=32), dict(type='PackInputs')]
for_all = dict(pipeline=pipeline)
train_dataloader = dict(batch_size=8, num_workers=0, dataset=for_all)
val_dataloader = dict(num_workers=0, dataset=for_all)
test_dataloader = dict(num_workers=0, dataset=for_all)
train_cfg = dict(max_epochs=1)
"""
EIGHT = ('contempt', 'anger', 'neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust')


def test_eight_classes_on_a_set_of_seven(tmp_path):
    affectnet_npy(tmp_path / 'affectnet')
    rafdb(tmp_path / 'rafdb')
    trained = tmp_path / 'train.py'
    trained.write_text(
        f"""_base_ = {str(REPO / 'configs/softmax_r18_affectnet8.py')!r}
{SMALL}
classes = {EIGHT!r}
here = dict(data_root={str(tmp_path / 'affectnet')!r}, classes=classes)
train_dataloader['dataset'].update(here)
val_dataloader['dataset'] = dict(for_all, **here)
test_dataloader['dataset'] = dict(for_all, **here)
train_dataloader['dataset']['val_fraction'] = 0.2
val_dataloader['dataset']['val_fraction'] = 0.2
"""
    )
    tested = tmp_path / 'test.py'
    tested.write_text(
        f"""_base_ = {str(trained)!r}
test_dataloader = dict(
    dataset=dict(type='RAFDB', data_root={str(tmp_path / 'rafdb')!r}),
)
test_evaluator = dict(
    _delete_=True,
    type='SharedClassesEvaluator',
    metrics=[dict(type='Accuracy'), dict(type='FERMetric')],
    shared=('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'disgust', 'anger'),
)
"""
    )
    run_tool('train', trained, '--work-dir', tmp_path)
    checkpoint, metrics, dump = tmp_path / 'epoch_1.pth', tmp_path / 'm.json', tmp_path / 'p.pkl'
    run_tool('test', tested, checkpoint, '--work-dir', tmp_path, '--out', metrics, '--out-item', 'metrics',
             '--dump', dump)  # fmt: skip
    rows = pickle.loads(dump.read_bytes())
    assert len(rows) == 14  # both images of seven classes
    score = np.stack([r['pred_score'] for r in rows])
    assert (score[:, EIGHT.index('contempt')] == 0).all()
    np.testing.assert_allclose(score.sum(1), 1, atol=1e-5)
    label = np.array([int(r['gt_label']) for r in rows])
    assert (np.bincount(label, minlength=8) == [0, *[2] * 7]).all()
    found = json.loads(metrics.read_text())
    assert abs(found['accuracy/top1'] - 100 * (score.argmax(1) == label).mean()) < 1e-3
    assert set(torch.load(checkpoint, weights_only=True)['meta']['dataset_meta']['classes']) == set(EIGHT)
