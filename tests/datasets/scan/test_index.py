"""The index of slow annotations: built once, outdated by any change, safe at once from two processes."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from layouts import LAYOUTS

from dacl_mm.datasets.readers import affectnet
from dacl_mm.datasets.readers.affectnet import AffectNet

NAMES = ('AffectNet classic', 'AffectNet npy', 'AffectNet+')


@pytest.fixture(params=NAMES)
def case(request, tmp_path, monkeypatch):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    _, write, table, image = LAYOUTS[request.param]
    write(tmp_path / 'data')
    return tmp_path / 'data', tmp_path / 'data' / table, tmp_path / 'data' / image


def labels(root) -> list[tuple[str, int]]:
    data = AffectNet(data_root=str(root), split='trainval')
    return [(info['img_path'], info['gt_label']) for info in map(data.get_data_info, range(len(data)))]


@pytest.fixture
def reads(monkeypatch):
    """Count how often annotations are read."""
    count = []
    for name in ('_classic', '_annotations'):
        original = getattr(affectnet, name)
        monkeypatch.setattr(affectnet, name, lambda *a, f=original: (count.append(1), f(*a))[1])
    return count


def test_later_starts_read_the_index(case, reads):
    first = labels(case[0])
    assert labels(case[0]) == first and len(first) == 35 and len(reads) == 1


def relabel(table) -> None:
    """Make sample 2 (sadness) anger, in place."""
    if table.suffix == '.npy':
        np.save(table, np.array('6'))
    elif table.suffix == '.json':
        table.write_text(json.dumps({**json.loads(table.read_text()), 'human-label': 6}))
    else:
        table.write_text(
            table.read_text().replace('train2.jpg,0,0,48,48,1.0;2.0,2', 'train2.jpg,0,0,48,48,1.0;2.0,6')
        )


def test_a_rewritten_label_is_seen(case, reads):
    root, table, image = case
    first = dict(labels(root))
    relabel(table)
    again = dict(labels(root))
    assert len(reads) == 2
    changed = {path for path in first if first[path] != again[path]}
    assert changed == {str(image)} and again[str(image)] == AffectNet.METAINFO['classes'].index('anger')


def test_a_removed_image_is_seen(case, reads):
    root, table, image = case
    labels(root)
    if table.suffix == '.csv':
        pytest.skip('the classic lists are compared, not the folders they name')
    table.unlink()
    image.unlink()
    assert len(labels(root)) == 34 and len(reads) == 2


def test_a_damaged_index_is_built_anew(case, tmp_path, reads):
    root = case[0]
    first = labels(root)
    for index in (tmp_path / 'cache').glob('index-*'):
        index.write_bytes(index.read_bytes()[:-50])
    assert labels(root) == first and len(reads) == 2


def test_without_a_writable_cache_it_still_reads(case, tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'file' / 'below'))
    assert len(labels(case[0])) == 35


def test_the_root_is_never_written_to(case):
    root = case[0]
    before = sorted((p, p.stat().st_mtime_ns) for p in root.rglob('*'))
    AffectNet(data_root=str(root), split='train')
    assert sorted((p, p.stat().st_mtime_ns) for p in root.rglob('*')) == before


def test_processes_that_start_at_once(case, tmp_path):
    root = case[0]
    script = (
        'import sys; from dacl_mm.datasets import AffectNet;'
        "data = AffectNet(data_root=sys.argv[1], split='trainval');"
        'print(len(data), sum(data.get_gt_labels()))'
    )
    command = [sys.executable, '-c', script, str(root)]
    env = {**os.environ, 'DACL_CACHE': str(tmp_path / 'shared')}
    running = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {process.communicate(timeout=120)[0].splitlines()[-1] for process in running}
    assert printed == {'35 105'}
    files = sorted(path.name for path in (tmp_path / 'shared').iterdir())
    assert [name.split('-')[0] for name in files] == ['facts', 'index']
