"""A report is written whatever one run did; what others keep in its folder stays."""

import csv
import json

import numpy as np
import pytest
from finished import write_runs

from dacl_mm.comparison.report import page
from dacl_mm.comparison.report.folder import PictureFolder
from dacl_mm.comparison.report.page import environment, write_report
from dacl_mm.errors import ComparisonError


def test_a_diverged_run_is_a_row_of_the_report(tmp_path):
    methods = write_runs(tmp_path, seeds=2)
    path = tmp_path / 'runs/held-out/dacl/seed_1/predictions.npz'
    with np.load(path) as file:
        arrays = dict(file)
    arrays['embedding'][5] = np.nan
    np.savez(path, **arrays)
    (results,) = write_report(tmp_path, methods, 'compare', images=False)
    assert list(results.failed) == ['dacl'] and list(results.failed['dacl']) == [1]
    text = (tmp_path / 'report.html').read_text()
    assert 'dacl, seed 1 (its results are bad)' in text and '1 (1 failed)' in text
    assert '1 of 210 rows of embedding are not finite' in text
    saved = json.loads((tmp_path / 'results.json').read_text(), parse_constant=pytest.fail)
    assert {row['method']: row['seeds'] for row in saved['methods']}['dacl'] == 1
    with open(tmp_path / 'results.csv', newline='') as file:
        assert sum(bool(row['failed']) for row in csv.DictReader(file)) == 1


def test_tables_come_before_anything_can_go_wrong(tmp_path):
    methods = write_runs(tmp_path, seeds=1)
    for path in tmp_path.glob('runs/*/*/*/predictions.npz'):
        path.write_bytes(b'')
    with pytest.raises(ComparisonError, match=r'no run in .* finished'):
        write_report(tmp_path, methods, 'compare')
    assert len(json.loads((tmp_path / 'results.json').read_text())['failed']) == 4
    assert len((tmp_path / 'results.csv').read_text().splitlines()) == 5


def test_only_what_a_report_wrote_is_removed(tmp_path):
    folder = PictureFolder(tmp_path)
    folder.save('confusion_1.png', b'1')
    folder.save('recall.png', b'2')
    folder.remove_old()
    (tmp_path / 'mine.png').write_bytes(b'3')
    (tmp_path / 'drafts').mkdir()
    again = PictureFolder(tmp_path)
    again.save('recall.png', b'4')
    again.remove_old()
    assert {path.name for path in tmp_path.iterdir()} == {'recall.png', 'mine.png', 'drafts', '.written'}
    assert (tmp_path / 'recall.png').read_bytes() == b'4'


@pytest.mark.promise('Security', "a report's note of its files names others", 'these stay')
def test_a_note_cannot_remove_files_elsewhere(tmp_path):
    (tmp_path / 'figures').mkdir()
    (tmp_path / 'precious').write_bytes(b'1')
    (tmp_path / 'figures/.written').write_text(f'../precious\n{tmp_path / "precious"}\n')
    PictureFolder(tmp_path / 'figures').remove_old()
    assert (tmp_path / 'precious').is_file()


def test_packages_without_metadata_are_named_all_the_same(monkeypatch):
    monkeypatch.setattr(page, 'STACK', ('numpy', 'no-such-distribution'))
    packages = environment()['packages']
    assert packages['dacl-mm'] == page.__version__ and packages['numpy'] == np.__version__
    assert packages['no-such-distribution'] == 'of unknown version'
