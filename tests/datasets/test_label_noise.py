"""Wrong labels: how many, which, and never where they would be measured."""

import numpy as np
import pytest
from layouts import ferplus, rafdb
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS
from small_runner import listen

from dacl_mm.datasets.label_noise import LabelNoise
from dacl_mm.errors import UserError

SYMMETRIC = dict(kind='symmetric', share=0.3, seed=0)


@pytest.fixture(autouse=True, scope='module')
def scope():
    init_default_scope('mmpretrain')


def test_a_fixed_share_gets_any_other_class():
    label = np.arange(21000) % 7
    noisy = LabelNoise(**SYMMETRIC).apply(label, 7)
    changed = noisy != label
    assert changed.sum() == 6300
    shift = np.bincount((noisy - label)[changed] % 7, minlength=7)
    assert shift[0] == 0 and np.abs(shift[1:] - 1050).max() < 150  # even over the six others
    assert np.abs(np.bincount(label[changed]) - 900).max() < 150  # whatever the class
    np.testing.assert_array_equal(LabelNoise(**SYMMETRIC).apply(label, 7), noisy)
    assert (LabelNoise('symmetric', 0.3, 1).apply(label, 7) != noisy).mean() > 0.3
    np.testing.assert_array_equal(LabelNoise('symmetric').apply(label, 7), label)


def test_labels_follow_the_votes():
    votes = np.tile([[0.7, 0.3, 0.0], [0.0, 0.0, 1.0]], (10000, 1))
    noisy = LabelNoise('votes', seed=2).apply(votes.argmax(1), 3, votes)
    assert (noisy[1::2] == 2).all()
    assert (noisy[::2] == 0).mean() == pytest.approx(0.7, abs=0.02) and (noisy[::2] != 2).all()


def test_a_training_part_has_it_and_says_so(tmp_path):
    ferplus(tmp_path / 'data')
    read = listen(tmp_path / 'log')
    options = dict(type='FERPlus', data_root=str(tmp_path / 'data'), split='trainval')
    own, noisy, other = (
        DATASETS.build(dict(options, label_noise=noise)) for noise in (None, SYMMETRIC, SYMMETRIC)
    )
    labels = own.get_gt_labels(), noisy.get_gt_labels()
    changed = round(0.3 * len(own))
    assert (labels[0] != labels[1]).sum() == changed
    np.testing.assert_array_equal(labels[1], other.get_gt_labels())  # any method, any run
    assert [noisy.get_data_info(i)['gt_label'] for i in range(len(noisy))] == labels[1].tolist()
    said = [line for line in read().splitlines() if 'label_noise: ' in line]
    assert len(said) == 2 and f'{changed} of {len(own)} training labels changed (symmetric, seed 0' in said[0]
    assert said[0].split('fingerprint')[1] == said[1].split('fingerprint')[1]
    voted = DATASETS.build(dict(options, label_mode='votes', label_noise=dict(kind='votes')))
    soft = DATASETS.build(dict(options, label_mode='votes'))
    for i in range(len(voted)):
        record = voted.get_data_info(i)
        assert 'gt_score' not in record and soft.get_data_info(i)['gt_score'][record['gt_label']] > 0
    assert (voted.get_gt_labels() != soft.get_gt_labels()).any()


def test_drawn_faces_keep_their_expression():
    faces = DATASETS.build(dict(type='SyntheticFaces', num_images=70, label_noise=SYMMETRIC))
    wrong = [row for row in faces.data_list if faces.CLASSES[row['gt_label']] != row['expression']]
    assert len(wrong) == 21


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(label_noise=dict(share=0.1)), 'a dict of kind, share, seed'),
        (dict(label_noise=dict(kind='pairs')), 'kind must be one of symmetric, votes'),
        (dict(label_noise=dict(kind='symmetric', share=1.0)), r'must lie in \[0, 1\)'),
        (dict(label_noise=dict(kind='votes', share=0.1)), 'is for symmetric noise'),
        (dict(label_noise=SYMMETRIC, split='val'), "split is 'val'.*keeps its labels"),
        (dict(label_noise=SYMMETRIC, test_mode=True), 'test_mode True.*keeps its labels'),
        (dict(label_noise=dict(kind='votes')), "label_mode='votes' of FER"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, options, message):
    rafdb(tmp_path)
    with pytest.raises(UserError, match=message):
        DATASETS.build(dict(type='RAFDB', data_root=str(tmp_path), **options))
