"""Predictions of any program, scored from files."""

import csv
import json

import numpy as np
import pytest
from conftest import run_tool

CLASSES = ('neutral', 'happiness', 'fear')


def write(path, rows):
    with path.open('w', newline='') as file:
        csv.writer(file).writerows(rows)
    return path


@pytest.fixture
def labels(tmp_path):
    names = [CLASSES[i % 3] for i in range(29)] + ['fear']
    return write(
        tmp_path / 'labels.csv', [('file', 'expression'), *((f'{i}.png', n) for i, n in enumerate(names))]
    )


def probabilities(rng, column='source'):
    """Rows in the order of no class list, with a further class, in folders."""
    scores = rng.dirichlet(np.ones(4), 30)
    head = (column, 'fear', 'neutral', 'contempt', 'happiness')
    return scores, [head, *((f'some/{i}.png', *row) for i, row in enumerate(scores))]


def test_scores_are_those_of_an_independent_count(tmp_path, labels):
    rng = np.random.default_rng(0)
    (a, rows_a), (b, rows_b) = probabilities(rng), probabilities(rng, 'file')
    rows_b[7] = ('some/6.png', '', '', '', '')  # no face found
    files = [write(tmp_path / f'{name}.csv', rows) for name, rows in (('a', rows_a), ('b', rows_b))]
    result = run_tool('score', labels, *files, '--out', tmp_path / 'out.json')
    found = json.loads((tmp_path / 'out.json').read_text())

    label = [row[1] for row in csv.reader(labels.open())][1:]
    for name, scores in (('a', a), ('b', b)):
        named = [
            ('fear', 'neutral', None, 'happiness')[k] for k in np.where([1, 1, 0, 1], scores, -1).argmax(1)
        ]
        if name == 'b':
            named[6] = None
        right = [one == other for one, other in zip(named, label, strict=True)]
        its = found['scores'][name]
        assert its['mean']['accuracy'] == pytest.approx(100 * sum(right) / 30)
        recalls = {
            c: 100 * np.mean([r for r, one in zip(right, label, strict=True) if one == c]) for c in CLASSES
        }
        assert its['recall'] == pytest.approx(recalls)
        assert its['mean']['mean_class_accuracy'] == pytest.approx(np.mean(list(recalls.values())))
        assert its['missing'] == (name == 'b')
        low, high, _ = its['interval']['accuracy']
        assert low < its['mean']['accuracy'] < high
    assert {(d['a'], d['b'], d['metric']) for d in found['differences']} == {
        ('a', 'b', 'accuracy'), ('a', 'b', 'mean_class_accuracy'),
    }  # fmt: skip
    assert '30 images' in result.stdout


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([('source', 'neutral', 'happiness')], 'lacks the column fear'),
        ([('image', *CLASSES)], 'lacks the column source or file'),
        ([('file', *CLASSES), ('0.png', 'a', 0, 0)], 'row 2 holds no probabilities'),
        ([('file', *CLASSES), ('0.png', 2, 0, 0)], 'which are no probabilities'),
        ([('file', *CLASSES), ('0.png', 1, 0, 0), ('x/0.png', 1, 0, 0)], 'has a second row, 3'),
        (None, 'does not exist'),
    ],
)
def test_a_file_that_cannot_be_scored_is_named(tmp_path, labels, rows, message):
    path = tmp_path / 'p.csv'
    if rows:
        write(path, rows)
    result = run_tool('score', labels, path, check=False)
    assert result.returncode == 2
    assert message in result.stderr and 'p.csv' in result.stderr and 'Traceback' not in result.stderr


@pytest.mark.parametrize(
    ('rows', 'message'),
    [
        ([('0.png', 'joy'), ('1.png', 'fear'), ('2.png', 'rage')], "row 2 is ['2.png', 'rage']"),
        ([('a/0.png', 'fear'), ('b/0.png', 'fear')], '0.png has two rows'),
        ([('file', 'expression')], 'holds no labels'),
    ],
)
def test_labels_that_cannot_be_read_are_told(tmp_path, rows, message):
    path = write(tmp_path / 'labels.csv', rows)
    result = run_tool('score', path, path, check=False)
    assert result.returncode == 2 and message in result.stderr
