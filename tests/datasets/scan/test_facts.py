"""One look at every image: kept, made anew where it is damaged, and shared by the ranks."""

import os
import subprocess
import sys

import numpy as np
import pytest
from layouts import affectnet_npy, rafdb
from PIL import Image, ImageFile

from dacl_mm.datasets.readers.affectnet import AffectNet
from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.datasets.scan import facts
from dacl_mm.datasets.table import SampleTable


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    rafdb(tmp_path / 'data')
    return tmp_path / 'data'


@pytest.fixture
def looks(monkeypatch):
    """Count how many images are looked at."""
    count = []
    original = facts.examine
    monkeypatch.setattr(facts, 'examine', lambda table, i: (count.append(i), original(table, i))[1])
    return count


def test_later_starts_look_no_more(root, looks):
    for _ in range(2):
        RAFDB(data_root=str(root), split='train')
        RAFDB(data_root=str(root), split='val')
    assert len(looks) == 35


@pytest.mark.parametrize('damage', ['cut', 'empty', 'other shape', 'other type'])
def test_a_damaged_cache_is_made_anew_and_said(root, looks, tmp_path, damage, monkeypatch):
    said = []
    monkeypatch.setattr(facts, 'print_log', lambda message, **options: said.append(message))
    before = [r['img_path'] for r in RAFDB(data_root=str(root), split='val').data_list]
    (path,) = (tmp_path / 'cache').glob('facts-*')
    if damage in ('cut', 'empty'):
        path.write_bytes(path.read_bytes()[:-50] if damage == 'cut' else b'')
    else:
        np.save(path, np.load(path)[:-1] if damage == 'other shape' else np.zeros(35))
    again = RAFDB(data_root=str(root), split='val')
    assert [r['img_path'] for r in again.data_list] == before and len(looks) == 70
    assert len(said) == 1 and f'{path} is damaged' in said[0]
    RAFDB(data_root=str(root), split='val')
    assert len(looks) == 70


RANK = """
import os, sys
import torch.distributed as dist
from dacl_mm.datasets import RAFDB
from dacl_mm.datasets.scan import facts
rank, root, store = int(sys.argv[1]), sys.argv[2], sys.argv[3]
dist.init_process_group('gloo', init_method=f'file://{store}', rank=rank, world_size=2)
looks, original = [], facts.examine
facts.examine = lambda table, i: (looks.append(i), original(table, i))[1]
data = RAFDB(data_root=root, split='val', val_fraction=0.2)
print(len(looks), *[data.get_data_info(i)['img_path'][-17:] for i in range(len(data))])
dist.destroy_process_group()
"""


@pytest.mark.parametrize('cache', ['cache', 'file/below'])  # the second cannot be written
def test_one_rank_looks_for_all(root, tmp_path, cache):
    (tmp_path / 'file').touch()
    env = {**os.environ, 'DACL_CACHE': str(tmp_path / cache)}
    command = [sys.executable, '-c', RANK]
    ranks = [
        subprocess.Popen([*command, str(rank), str(root), str(tmp_path / 'store')], env=env,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for rank in range(2)
    ]  # fmt: skip
    printed = []
    for process in ranks:
        out, errors = process.communicate(timeout=200)
        assert process.returncode == 0, errors[-2000:]
        printed.append(out.splitlines()[-1].split())
    assert [int(words[0]) for words in printed] == [35, 0]
    assert printed[0][1:] == printed[1][1:] and len(printed[0]) == 8


def test_a_huge_image_is_refused_before_it_is_decoded(root, looks, monkeypatch):
    """The file is small: 10,000 x 10,000 pixels of one colour."""
    image = root / 'basic/Image/aligned/train_00004_aligned.jpg'
    Image.new('1', (10_000, 10_000)).save(image, 'PNG')
    decoded, load = [], ImageFile.ImageFile.load
    monkeypatch.setattr(ImageFile.ImageFile, 'load', lambda self: (decoded.append(self.size), load(self))[1])
    found = facts.image_facts(RAFDB(data_root=str(root), lazy_init=True).read('train'))
    assert (48, 48) in decoded and (10_000, 10_000) not in decoded
    error = found['error'][3].decode()
    assert error.startswith('10000 x 10000 pixels are more than 67,108,864')


def test_a_stored_table_holds_its_columns_alone(tmp_path, monkeypatch):
    """numpy 2.0 stores every keyword of savez as an array."""
    affectnet_npy(tmp_path)
    table = AffectNet(data_root=str(tmp_path), lazy_init=True).read('train')
    stored, original = [], np.savez
    monkeypatch.setattr(
        np, 'savez', lambda file, **columns: (stored.extend(columns), original(file, **columns))
    )
    data = table.to_bytes()
    assert sorted(stored) == ['expression', 'files', 'row', 'source']
    again = SampleTable.from_bytes(data, table.root)
    assert again.to_bytes() and (again.files == table.files).all() and again.source == table.source
