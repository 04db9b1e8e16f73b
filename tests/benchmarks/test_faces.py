import pickle

import layouts
import pytest
from PIL import Image

from dacl_mm.benchmarks.faces import class_folders
from dacl_mm.benchmarks.setting import Setting
from dacl_mm.errors import DatasetError

CLASSES = [f'{i:02d}' for i in range(7)]


def listed(root, part):
    return {name: sorted((root / part / name).iterdir()) for name in CLASSES}


def test_drawn_faces_fill_class_folders_in_turn(tmp_path):
    root = class_folders(tmp_path / 'faces', train=16, test=9)
    counts = [{name: len(files) for name, files in listed(root, part).items()} for part in ('train', 'test')]
    assert list(counts[0].values()) == [3, 3, 2, 2, 2, 2, 2] and list(counts[1].values()) == [2, 2, *[1] * 5]
    images = {Image.open(path).tobytes() for path in root.glob('t*/*/*')}
    assert len(images) == 25  # no two alike


def test_real_images_are_linked_and_come_again_where_there_are_too_few(tmp_path):
    layouts.folder(tmp_path / 'source')  # 5 and 2 of a class, the second part named valid
    root = class_folders(tmp_path / 'faces', train=70, test=7, source=tmp_path / 'source')
    for name, files in listed(root, 'train').items():
        assert len(files) == 10
        assert {path.resolve() for path in files} == set((tmp_path / 'source' / 'train' / name).iterdir())
    assert all(len(files) == 1 for files in listed(root, 'test').values())


def test_a_source_that_is_no_such_folder_is_named(tmp_path):
    with pytest.raises(DatasetError, match='has no folder train'):
        class_folders(tmp_path / 'faces', 7, 7, tmp_path)
    layouts.folder(tmp_path / 'source')
    for path in (tmp_path / 'source' / 'valid' / '03').iterdir():
        path.unlink()
    with pytest.raises(DatasetError, match='7 class folders with images'):
        class_folders(tmp_path / 'faces', 7, 7, tmp_path / 'source')


def test_another_process_takes_the_images_that_are_there(tmp_path):
    setting = Setting(tmp_path, train=14, test=7)
    copies = [pickle.loads(pickle.dumps(setting)) for _ in range(2)]
    made = sorted(tmp_path.rglob('*'))
    assert made and {its.data for its in (setting, *copies)} == {tmp_path / 'faces'}
    assert sorted(tmp_path.rglob('*')) == made
