"""Names that lead elsewhere, or that would be obeyed by what shows them."""

import csv
import json
import os
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from conftest import REPO, run_tool
from finished import write_runs
from layouts import SEVEN, affectnet_npy, folder, rafdb
from PIL import Image
from test_unpickling import OPTIONS, change_index

from dacl_mm.comparison.analysis.reading import read_runs
from dacl_mm.comparison.analysis.tables import write_tables
from dacl_mm.comparison.report.page import write_report
from dacl_mm.datasets.readers.affectnet import AffectNet
from dacl_mm.datasets.readers.folder import FERFolder
from dacl_mm.datasets.table import check_names
from dacl_mm.errors import DatasetError
from dacl_mm.text import csv_cell, printable, printable_lines

FORGED = '\n11-25 10:00:00 - mmengine - INFO - forged'
HOSTILE = f'\x1b[2J\x1b[31m{FORGED}'
CONFIG = REPO / 'configs/softmax_r18_synthetic.py'


def assert_harmless(text: str) -> None:
    """No terminal obeys it, and no line is forged."""
    assert not re.search(r'[\x00-\x08\x0b-\x1f\x7f-\x9f]', text)
    assert 'forged' in text and not re.search(r'^\S+ \S+ - mmengine - INFO - forged', text, re.MULTILINE)


@pytest.mark.promise(
    'Security', 'a file name holds a line break or a terminal command', 'refused, or shown as escapes'
)
def test_a_hostile_image_name_is_refused(tmp_path):
    folder(tmp_path / 'data')
    image = tmp_path / 'data/train/02/2.jpg'
    image.rename(image.with_name(f'{HOSTILE}.jpg'))
    done = run_tool('verify_dataset', '--type', 'FERFolder', '--root', tmp_path / 'data', check=False)
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert 'holds a control character' in done.stderr
    assert_harmless(done.stderr)


@pytest.mark.parametrize('name', ['\x1b[2J.jpg', 'a\nb.jpg', 'a\x85b.jpg', 'a\u2028b.jpg', 'a\x7fb.jpg'])
def test_every_control_character_counts(name, tmp_path):
    folder(tmp_path)
    Image.new('RGB', (8, 8)).save(tmp_path / 'train/00' / name)
    with pytest.raises(DatasetError, match='control character'):
        FERFolder(data_root=str(tmp_path))


def test_a_name_that_is_not_utf_8_is_named(tmp_path):
    folder(tmp_path)
    os.rename(tmp_path / 'train/02/2.jpg', os.fsencode(tmp_path / 'train/02') + b'/\xff.jpg')
    with pytest.raises(DatasetError, match='not UTF-8'):
        FERFolder(data_root=str(tmp_path))


@pytest.mark.parametrize('name', ['größe é.jpg', 'a..b.jpg', '..a.jpg'[1:], '写真\u30001.jpg', 'x...jpg'])
def test_odd_names_are_read(name, tmp_path):
    folder(tmp_path)
    (tmp_path / 'train/02/2.jpg').rename(tmp_path / 'train/02' / name)
    found = FERFolder(data_root=str(tmp_path), split='trainval')
    assert len(found) == 35 - name.startswith('.')


def test_hostile_files_beside_images_are_shown_as_escapes(tmp_path):
    folder(tmp_path / 'data')
    (tmp_path / 'data/train/02' / f'{HOSTILE}.he\x1b[1mic').write_text('x')
    done = run_tool('verify_dataset', '--type', 'FERFolder', '--root', tmp_path / 'data', check=False)
    assert '\\x1b[2J' in done.stdout and done.returncode == 1
    assert_harmless(done.stdout)


def test_a_hostile_class_folder_is_shown_as_escapes(tmp_path):
    folder(tmp_path / 'data')
    (tmp_path / 'data/train' / HOSTILE).mkdir()
    done = run_tool('verify_dataset', '--type', 'FERFolder', '--root', tmp_path / 'data', check=False)
    assert done.returncode == 2 and 'other class folders' in done.stderr
    assert_harmless(done.stderr)


def test_class_names_of_a_checkpoint_are_shown_as_escapes(tmp_path):
    meta = dict(dataset_meta=dict(classes=[HOSTILE, *SEVEN[1:]]))
    torch.save(dict(meta=meta, state_dict={}), tmp_path / 'x.pth')
    done = run_tool('test', CONFIG, tmp_path / 'x.pth', '--work-dir', tmp_path / 'w', *OPTIONS, check=False)
    assert done.returncode == 2 and 'was trained on the classes' in done.stderr
    assert_harmless(done.stderr)


@pytest.mark.slow
def test_values_of_a_checkpoint_are_escaped_in_the_log(tmp_path):
    work = tmp_path / 'w'
    epochs = [*OPTIONS, 'param_scheduler.total_steps=1', 'train_cfg.max_epochs=1']
    command = ['train', CONFIG, '--work-dir', work, *epochs]
    run_tool(*command)
    checkpoint = torch.load(work / 'epoch_1.pth', weights_only=True)
    checkpoint['meta']['config_values']['log_level'] = HOSTILE
    torch.save(checkpoint, work / 'epoch_1.pth')
    done = run_tool(*command[:4], '--resume', *command[4:])
    assert_harmless(re.sub(r'\x1b\[\d*m', '', done.stdout + done.stderr))
    assert_harmless(''.join(log.read_text() for log in work.glob('*/*.log')))


@pytest.mark.promise(
    'Security', 'an index or a list names a file outside of the data set', 'refused, nothing is read'
)
@pytest.mark.parametrize('name', [b'../secret.jpg', b'a/../../secret.jpg', b'/secret.jpg', b'..', b'a/..'])
def test_an_index_cannot_lead_out_of_the_root(name, tmp_path, monkeypatch):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    affectnet_npy(tmp_path / 'data')
    options = dict(data_root=str(tmp_path / 'data'), split='trainval')
    before = [r['img_path'] for r in AffectNet(**options).data_list]
    (index,) = (tmp_path / 'cache').glob('index-*')
    files = np.array([name, b'train_set/images/1.jpg'])
    columns = dict(files=files, expression=np.zeros(2, np.int8), row=np.zeros(2, np.int32), source='')
    change_index(index, **columns)
    assert [r['img_path'] for r in AffectNet(**options).data_list] == before


@pytest.mark.parametrize('names', [[b'a/..', b'bcde'], [b'ab', b'..'], [b'/a'], [b'a\n'], [b'b', b'../a']])
def test_names_are_searched_one_by_one(names):
    """Fixed-width strings lie side by side without a gap."""
    with pytest.raises(DatasetError, match='list: the image name'):
        check_names(np.array(names, np.bytes_), 'list')


@pytest.mark.parametrize('names', [[b'a/.', b'./b'], [b'a.', b'.b'], [b'a..', b'..b', b'c..d/e'], []])
def test_harmless_names_pass(names):
    check_names(np.array(names, np.bytes_), 'list')


def test_an_exclude_file_opens_nothing(tmp_path):
    """Its names are compared with the data set's, and no file is looked for."""
    rafdb(tmp_path / 'data')
    (tmp_path / 'list.txt').write_text(
        f'../secret\n/etc/passwd\nbasic/Image/aligned/train_00001_aligned.jpg\n{HOSTILE}'
    )
    data, listed = f'dataset.data_root={tmp_path / "data"}', f'dataset.exclude_file={tmp_path / "list.txt"}'
    options = [f'train_dataloader.{data}', f'train_dataloader.{listed}', f'val_dataloader.{data}']
    options += ['train_dataloader.batch_size=1000', 'train_dataloader.num_workers=0']
    config = REPO / 'configs/softmax_r18_rafdb.py'
    done = run_tool('train', config, '--work-dir', tmp_path / 'w', '--cfg-options', *options, check=False)
    assert '4 of 5 names are not in' in done.stdout + done.stderr and '< batch 1000' in done.stderr
    assert 'leaves 1 of' in done.stdout + done.stderr


@pytest.mark.promise(
    'Security', 'a link in a data set leads out of it', 'followed; tools/verify_dataset.py says so'
)
def test_links_are_followed_and_told(tmp_path):
    """Users link whole data sets, folders and single images; what a list writes stays below the root."""
    folder(tmp_path / 'disk')
    (tmp_path / 'data').mkdir()
    for part in ('train', 'valid'):
        (tmp_path / 'data' / part).mkdir()
        for path in (tmp_path / 'disk' / part).iterdir():
            (tmp_path / 'data' / part / path.name).symlink_to(path)
    linked, single = tmp_path / 'linked', tmp_path / 'disk/train/02/2.jpg'
    linked.symlink_to(tmp_path / 'data')
    single.rename(tmp_path / 'one.jpg')
    single.symlink_to(tmp_path / 'one.jpg')
    assert len(FERFolder(data_root=str(linked), split='trainval')) == 35
    note = r'note: train: (\d+) images lie elsewhere by links, as (.*) in (.*)'
    told = {}
    for root in (linked, tmp_path / 'disk'):
        done = run_tool('verify_dataset', '--type', 'FERFolder', '--root', root, check=False)
        told[root.name] = re.findall(note, done.stdout)
    assert told['linked'][0] == ('35', f'{linked}/train/00/0.jpg', f'{tmp_path}/disk/train/00/0.jpg')
    assert told['disk'] == [('1', str(single), f'{tmp_path}/one.jpg')]


def test_a_link_to_what_is_no_image_shows_nothing_of_it(tmp_path):
    folder(tmp_path / 'data')
    (tmp_path / 'secret').write_text('password')
    image = tmp_path / 'data/train/02/2.jpg'
    image.unlink()
    image.symlink_to(tmp_path / 'secret')
    done = run_tool('verify_dataset', '--type', 'FERFolder', '--root', tmp_path / 'data', check=False)
    assert 'unreadable' in done.stdout and 'password' not in done.stdout


def rename_classes(work, name: str) -> None:
    for path in work.glob('runs/*/*/*/result.json'):
        result = json.loads(path.read_text())
        first = result['classes'][0]
        result['classes'][0] = name
        result['metrics'][f'fer/recall/{name}'] = result['metrics'].pop(f'fer/recall/{first}')
        path.write_text(json.dumps(result))


class Elements(HTMLParser):
    """Counts elements, and keeps the attributes that run code."""

    def __init__(self, page: str):
        super().__init__()
        self.count, self.handlers = {}, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.count[tag] = self.count.get(tag, 0) + 1
        self.handlers += [
            name for name, value in attributes if name.startswith('on') or 'javascript:' in (value or '')
        ]


@pytest.mark.promise(
    'Security', 'names of classes, methods or logs are HTML or script', 'the report shows them as text'
)
@pytest.mark.slow
def test_the_report_shows_names_as_text(tmp_path):
    methods = write_runs(tmp_path, seeds=1)
    plain = tmp_path / 'runs/held-out'
    write_report(tmp_path, methods, 'compare', images=False)
    before = Elements((tmp_path / 'report.html').read_text())
    name = '</text></svg></script><script>alert(1)</script><img src=x onerror="alert(1)">--><b>&'
    rename_classes(tmp_path, name)
    stranger = plain / '<img src=x onerror=alert(1)>'
    (stranger / 'seed_0').mkdir(parents=True)
    (stranger / 'seed_0/failed.json').write_text(json.dumps(dict(status=1, log_end=name)))
    (plain / 'dacl_fixed/seed_0').mkdir(parents=True)
    (plain / 'dacl_fixed/seed_0/failed.json').write_text(json.dumps(dict(status=1, log_end=name)))
    write_report(tmp_path, methods, f'compare {name}', images=False)
    page = (tmp_path / 'report.html').read_text()
    after = Elements(page)
    for tag in ('script', 'img', 'b', 'svg'):
        assert after.count.get(tag, 0) == before.count.get(tag, 0), tag
    assert not after.handlers and '&lt;script&gt;alert(1)' in page
    assert 'dacl_fixed, seed 0' in page and 'onerror=alert(1)&gt;, seed' not in page
    for svg in (tmp_path / 'figures').glob('*.svg'):
        assert '<script>' not in svg.read_text()


def test_class_names_with_control_characters_are_no_names(tmp_path):
    methods = [method.name for method in write_runs(tmp_path, seeds=1)]
    rename_classes(tmp_path, HOSTILE)
    (results,) = read_runs(tmp_path, methods)
    assert not results.present
    assert 'is no name of a class' in results.failed['dacl'][0]['log_end']


@pytest.mark.promise('Security', 'a text of results.csv is a formula', 'an apostrophe makes it text')
@pytest.mark.parametrize('formula', ['=cmd|"/c calc"!A1', '+1', '-1+1', '@SUM(1)', '\t=1', '\r=1'])
def test_no_cell_is_a_formula(formula, tmp_path):
    methods = [method.name for method in write_runs(tmp_path, seeds=1)]
    folder = tmp_path / 'runs/held-out/dacl/seed_0'
    (folder / 'result.json').unlink()
    (folder / 'failed.json').write_text(json.dumps(dict(status=1, log_end=formula)))
    changed = tmp_path / 'runs/held-out/center/seed_0/result.json'
    changed.write_text(json.dumps({**json.loads(changed.read_text()), 'selection_metric': formula}))
    (results,) = read_runs(tmp_path, methods)
    write_tables([results], {}, tmp_path)
    with open(tmp_path / 'results.csv', newline='') as file:
        rows = {row['method']: row for row in csv.DictReader(file)}
    assert rows['dacl']['failed'] == f"'{formula}" and rows['center']['selection_metric'] == f"'{formula}"
    for row in rows.values():
        for value in row.values():
            if value.startswith(('=', '+', '-', '@')):
                float(value)  # a number is one


def test_text_for_each_medium():
    assert printable('a\nb\x1b[1m é\t\udcff\u202e') == 'a\\nb\\x1b[1m é\\t\\udcff\\u202e'
    assert printable_lines('a\x1b\n\tb') == 'a\\x1b\n        b'
    assert csv_cell(-1.5) == -1.5 and csv_cell('a=1') == 'a=1' and csv_cell('-x') == "'-x"
