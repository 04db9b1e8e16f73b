"""Every reader on every layout: names, splits, other classes, soft labels."""

import json

import numpy as np
import pytest
from layouts import COUNTS, LAYOUTS, SEVEN, samples, write_csv
from mmengine.registry import init_default_scope
from PIL import Image

from dacl_mm.datasets.labels import EXPRESSIONS, PAPER_CLASSES
from dacl_mm.datasets.readers.affectnet import AffectNet
from dacl_mm.datasets.readers.ferplus import FERPlus, majority, probability, vote_shares
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.errors import DatasetError

PIPELINE = [dict(type='LoadFace'), dict(type='PackInputs')]


@pytest.fixture(params=LAYOUTS)
def layout(request, tmp_path):
    init_default_scope('mmpretrain')
    reader, write, *_ = LAYOUTS[request.param]
    write(tmp_path)
    return reader, tmp_path


def labels(data) -> list[str]:
    return [data.CLASSES[data.get_data_info(i)['gt_label']] for i in range(len(data))]


def test_images_carry_their_own_labels(layout):
    """The pixels tell which face was drawn, whatever order the layout lists them in."""
    reader, root = layout
    data = reader(data_root=str(root), split='test', pipeline=PIPELINE, test_mode=True)
    drawn = {(i, name): draw_face(name, i + 1000, 48).mean(2) for i, name in samples('test')}
    seen = set()
    for item, label in zip(data, labels(data)):
        grey = item['inputs'].numpy().mean(0)
        nearest = min(drawn, key=lambda key: np.abs(drawn[key] - grey).mean())
        assert nearest[1] == label == data.CLASSES[int(item['data_samples'].gt_label)]
        seen.add(nearest)
    assert len(seen) == len(data) == 7 * COUNTS['test']


def test_splits_are_stratified_disjoint_and_independent_of_classes(layout):
    reader, root = layout
    parts = {}
    for split in ('train', 'val', 'trainval'):
        data = reader(data_root=str(root), split=split, val_fraction=0.2)
        parts[split] = {data.get_data_info(i)['img_path'] for i in range(len(data))}
        expected = {'train': 4, 'val': 1, 'trainval': 5}[split]
        assert sorted(labels(data)) == sorted(SEVEN * expected)
    assert not parts['train'] & parts['val'] and parts['train'] | parts['val'] == parts['trainval']
    fewer = reader(data_root=str(root), split='val', val_fraction=0.2, classes=('fear', 'neutral'))
    assert {fewer.get_data_info(i)['img_path'] for i in range(2)} <= parts['val']
    assert sorted(labels(fewer)) == ['fear', 'neutral']


def test_eight_classes_in_another_order(layout):
    reader, root = layout
    data = reader(data_root=str(root), split='test', classes=EXPRESSIONS)
    assert sorted(labels(data)) == sorted(SEVEN * 2)


def test_exclude_file(layout, tmp_path):
    reader, root = layout
    table = reader(data_root=str(root), split='test', lazy_init=True).read('test')
    (tmp_path / 'exclude.txt').write_text(f'# leaked\n{table.name(0)}\n{table.name(5)}\n')
    data = reader(data_root=str(root), split='test', exclude_file=str(tmp_path / 'exclude.txt'))
    paths = {data.get_data_info(i)['img_path'] for i in range(len(data))}
    assert len(data) == 12 and not {table.path(0), table.path(5)} & paths


def test_unknown_layout_lists_what_was_looked_for(layout, tmp_path):
    reader, _ = layout
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DatasetError) as error:
        reader(data_root=str(tmp_path / 'empty'))
    for marks in reader.LAYOUTS.values():
        assert marks[0].split('|')[0] in str(error.value)


def test_two_layouts_under_one_root_ask_for_the_option(tmp_path):
    LAYOUTS['FER2013 csv'][1](tmp_path)
    LAYOUTS['FER2013 icml'][1](tmp_path)
    reader = LAYOUTS['FER2013 csv'][0]
    with pytest.raises(DatasetError, match=r'several layouts .*csv, icml.*option layout'):
        reader(data_root=str(tmp_path))
    assert len(reader(data_root=str(tmp_path), layout='icml', split='trainval')) == 35


def test_test_part_that_is_absent(tmp_path):
    LAYOUTS['FER2013 csv'][1](tmp_path)
    with pytest.raises(DatasetError, match='no row of Usage PublicTest, only Training, PrivateTest'):
        LAYOUTS['FER2013 csv'][0](data_root=str(tmp_path), split='test', test_part='PublicTest')


@pytest.mark.parametrize(('reader', 'mode', 'name'), [(FERPlus, 'probability', 'FER+ csv'),
                                                      (FERPlus, 'votes', 'FER+ png'),
                                                      (AffectNet, 'soft', 'AffectNet+')])  # fmt: skip
def test_soft_labels(tmp_path, reader, mode, name):
    init_default_scope('mmpretrain')
    LAYOUTS[name][1](tmp_path)
    data = reader(data_root=str(tmp_path), split='trainval', label_mode=mode, pipeline=PIPELINE)
    for i, item in enumerate(data):
        score = item['data_samples'].gt_score.numpy()
        assert score.shape == (7,) and score.sum() == pytest.approx(1)
        assert score.argmax() == data.get_data_info(i)['gt_label']
        assert sorted(score)[-2:] == pytest.approx([0.3, 0.7])
    assert reader(data_root=str(tmp_path), split='trainval')[0].get('gt_score') is None


def test_a_soft_label_without_a_share_of_the_classes_is_named(tmp_path):
    """All of it lies on contempt, the eighth expression."""
    write, table = LAYOUTS['AffectNet+'][1:3]
    write(tmp_path)
    note = json.loads((tmp_path / table).read_text())
    note['soft-label'] = [0.0] * 7 + [1.0]
    (tmp_path / table).write_text(json.dumps(note))
    options = dict(data_root=str(tmp_path), split='trainval', label_mode='soft')
    with pytest.raises(DatasetError, match=r'2\.jpg: its soft label has no share of neutral, .*1 such'):
        AffectNet(**options)
    image = 'human_annotated/train_set/images/2.jpg'
    (tmp_path / 'exclude.txt').write_text(image)
    assert len(AffectNet(**options, exclude_file=str(tmp_path / 'exclude.txt'))) == 34
    whole = AffectNet(**options, classes=EXPRESSIONS)
    scores = np.stack([whole.get_data_info(i)['gt_score'] for i in range(len(whole))])
    assert np.isfinite(scores).all()


def test_soft_and_hard_labels_share_the_held_out_part(tmp_path):
    """Votes of which the rules make different labels, or none."""
    rng = np.random.default_rng(0)
    folder, rows = tmp_path / 'data' / 'FER2013Train', []
    folder.mkdir(parents=True)
    for i in range(120):
        Image.fromarray(rng.integers(0, 256, (48, 48), np.uint8)).save(folder / f'fer{i:07d}.png')
        counts = rng.multinomial(10, [0.3, 0.2, 0.1, 0.1, 0.1, 0.05, 0.05, 0.02, 0.05, 0.03])
        rows.append((f'fer{i:07d}.png', '', *counts))
    write_csv(folder / 'label.csv', rows)
    held, trained = {}, {}
    for mode in ('majority', 'probability', 'votes'):
        for split, found in (('val', held), ('train', trained)):
            part = FERPlus(data_root=str(tmp_path), split=split, val_fraction=0.3, label_mode=mode)
            found[mode] = {part.get_data_info(i)['img_path'] for i in range(len(part))}
    assert len(trained['majority']) < len(trained['probability']) < len(trained['votes'])
    assert not set().union(*held.values()) & set().union(*trained.values())


# Worked by hand from the rules of Barsoum et al.; columns: neutral, happiness, surprise,
# sadness, anger, disgust, fear, contempt, unknown, NF.
VOTES = {
    'clear winner': ([8, 1, 1, 0, 0, 0, 0, 0, 0, 0], 0, {0: 1.0}),
    'half is not enough': ([5, 5, 0, 0, 0, 0, 0, 0, 0, 0], -1, {0: 0.5, 1: 0.5}),
    'three emotions': ([4, 3, 3, 0, 0, 0, 0, 0, 0, 0], -1, {0: 0.4, 1: 0.3, 2: 0.3}),
    'four tie': ([2, 2, 2, 2, 0, 0, 0, 0, 0, 0], -1, {}),
    'tie beyond three': ([4, 2, 2, 2, 0, 0, 0, 0, 0, 0], -1, {}),
    'unknown first': ([3, 0, 0, 0, 0, 0, 0, 0, 6, 0], -1, {}),
    'unknown second': ([6, 0, 0, 0, 0, 0, 0, 0, 3, 0], 0, {0: 1.0}),
    'unknown ties': ([4, 0, 0, 0, 0, 0, 0, 0, 4, 0], -1, {}),
    'single votes only': ([1, 1, 1, 1, 1, 1, 1, 1, 1, 1], -1, {}),
    'enough at 75 %': ([0, 0, 6, 2, 0, 0, 0, 0, 0, 0], 2, {2: 1.0}),
}


@pytest.mark.parametrize('name', VOTES)
def test_ferplus_rules(name):
    votes, winner, shares = VOTES[name]
    assert majority(np.array([votes]))[0] == winner
    expected = np.zeros(8)
    for column, share in shares.items():
        expected[column] = share
    np.testing.assert_allclose(probability(np.array([votes]))[0], expected, atol=1e-6)


#: Likewise, of all votes where an expression leads.
SHARES = {
    'clear winner': {0: 1.0},
    'half is not enough': {0: 0.5, 1: 0.5},
    'three emotions': {0: 0.4, 1: 0.3, 2: 0.3},
    'four tie': {0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25},
    'tie beyond three': {0: 0.4, 1: 0.2, 2: 0.2, 3: 0.2},
    'unknown first': {},
    'unknown second': {0: 1.0},
    'unknown ties': {0: 1.0},
    'single votes only': {},
    'enough at 75 %': {2: 0.75, 3: 0.25},
}


@pytest.mark.parametrize('name', VOTES)
def test_shares_of_all_votes(name):
    expected = np.zeros(8)
    expected[list(SHARES[name])] = list(SHARES[name].values())
    np.testing.assert_allclose(vote_shares(np.array([VOTES[name][0]]))[0], expected, atol=1e-6)


def test_classes_keep_the_papers_order(layout):
    reader, root = layout
    assert tuple(reader(data_root=str(root)).CLASSES) == PAPER_CLASSES
