"""Runs that do not count become rows; those that do are counted all the same."""

import csv
import json
import re

import numpy as np
import pytest
from finished import write_runs

from dacl_mm.comparison.analysis.reading import read_runs
from dacl_mm.comparison.analysis.tables import write_tables


@pytest.fixture
def runs(tmp_path):
    """Finished runs with one seed, of which dacl's is to be harmed: its folder, and a function that reads."""
    names = [method.name for method in write_runs(tmp_path, seeds=1)]
    return tmp_path / 'runs/held-out/dacl/seed_0', lambda: read_runs(tmp_path, names)


def change_result(folder, **changes):
    path = folder / 'result.json'
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def change_arrays(folder, change):
    path = folder / 'predictions.npz'
    with np.load(path) as file:
        arrays = dict(file)
    change(arrays)
    np.savez(path, **arrays)


def not_a_number(name):
    def change(arrays):
        arrays[name] = arrays[name].copy()
        arrays[name][3, 1] = np.nan

    return change


def cut(path, size):
    path.write_bytes(path.read_bytes()[:size])


HARM = dict(
    loss=(lambda f: change_result(f, loss=[1.0, float('nan')]), 'loss of its last epoch, 2, is no finite'),
    null=(lambda f: change_result(f, loss=[1.0, None]), 'loss of its last epoch, 2, is no finite'),
    embedding=(
        lambda f: change_arrays(f, not_a_number('embedding')),
        '1 of 210 rows of embedding',
    ),
    score=(lambda f: change_arrays(f, not_a_number('score')), '1 of 210 rows of score'),
    centers=(lambda f: change_arrays(f, not_a_number('centers')), '1 of 7 rows of centers are not finite'),
    no_labels=(lambda f: change_arrays(f, lambda a: a.pop('label')), 'predictions.npz .*lacks label'),
    empty=(lambda f: cut(f / 'predictions.npz', 0), r'seed_0/predictions.npz is missing or damaged'),
    truncated=(lambda f: cut(f / 'predictions.npz', 3000), 'delete .*result.json and repeat the command'),
    missing=(
        lambda f: (f / 'predictions.npz').unlink(),
        r'dacl/seed_0/predictions.npz is missing or damaged',
    ),
    result=(
        lambda f: cut(f / 'result.json', 100),
        r'seed_0/result.json is damaged .*delete it',
    ),
    key=(lambda f: (f / 'result.json').write_text('{}'), r'dacl/seed_0/result.json lacks attention'),
    types=(lambda f: change_result(f, loss=5), 'dacl/seed_0 are damaged .*TypeError'),
    epochs=(lambda f: change_result(f, validation=[{}]), 'dacl/seed_0 are damaged .*KeyError'),
    selected=(lambda f: change_result(f, selected_epoch=99), 'dacl/seed_0 are damaged .*ValueError'),
    classes=(lambda f: change_result(f, classes=['a']), r'damaged .*210 images, but arrays of'),
    labels=(lambda f: change_arrays(f, lambda a: a['label'].__setitem__(0, 7)), 'a label is of no class'),
    text=(lambda f: change_arrays(f, lambda a: a.update(score=a['path'])), 'damaged .*TypeError'),
    images=(
        lambda f: change_arrays(f, lambda a: a.update(path=a['path'][::-1])),
        'dacl/seed_0 was tested on other images than most runs',
    ),
)


@pytest.mark.parametrize('harm', HARM)
def test_a_bad_run_becomes_a_row_and_the_others_count(runs, harm):
    folder, read = runs
    do, said = HARM[harm]
    do(folder)
    (results,) = read()
    assert results.present == ['softmax', 'center', 'dacl_shuffled']
    (how,) = results.failed['dacl'].values()
    assert how['status'] is None
    assert re.search(said, how['log_end']), how['log_end']
    write_tables([results], dict(command='c'), folder.parent)
    saved = json.loads((folder.parent / 'results.json').read_text(), parse_constant=pytest.fail)
    assert [row['method'] for row in saved['failed']] == ['dacl'] and len(saved['methods']) == 3
    with open(folder.parent / 'results.csv', newline='') as file:
        rows = {row['method']: row for row in csv.DictReader(file)}
    assert rows['dacl']['failed'] == how['log_end'] and rows['dacl']['accuracy'] == ''
    assert rows['center']['failed'] == '' and float(rows['center']['accuracy']) > 0


def test_a_loss_that_recovered_counts_and_the_json_is_valid(runs, tmp_path):
    folder, read = runs
    change_result(folder, loss=[float('nan'), 1.0], validation=[{'epoch': 2, 'accuracy/top1': None}])
    (results,) = read()
    assert 'dacl' in results.present and not results.failed
    write_tables([results], {}, tmp_path)
    saved = json.loads((tmp_path / 'results.json').read_text(), parse_constant=pytest.fail)
    (row,) = (row for row in saved['runs'] if row['method'] == 'dacl')
    assert row['selection_metric'] == 'accuracy/top1' and row['selection_value'] is None


def test_a_copied_folder_is_no_run(runs):
    folder, read = runs
    (folder.parent / 'seed_0_copy').mkdir()
    (results,) = read()
    assert len(results.runs('dacl')) == 1 and not results.failed


def test_the_selection_metric_is_the_one_the_run_names(runs):
    folder, read = runs
    validation = [{'epoch': e, 'accuracy/top1': 1.0, 'fer/mean_class_accuracy': 10.0 * e} for e in (1, 2)]
    change_result(folder, selection_metric='fer/mean_class_accuracy', validation=validation)
    (results,) = read()
    write_tables([results], {}, folder)
    with open(folder / 'results.csv', newline='') as file:
        rows = {row['method']: row for row in csv.DictReader(file)}
    assert rows['dacl']['selection_metric'] == 'fer/mean_class_accuracy'
    assert float(rows['dacl']['selection_value']) == 20
    assert rows['softmax']['selection_metric'] == 'accuracy/top1'
