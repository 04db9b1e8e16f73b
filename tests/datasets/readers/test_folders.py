"""Class folders without a test part, with other folders and with other files."""

import shutil

import numpy as np
import pytest
from layouts import SEVEN, folder, save

from dacl_mm.datasets.readers.folder import FERFolder
from dacl_mm.errors import DatasetError

SPLITS = ('train', 'val', 'test')


@pytest.fixture
def single(tmp_path):
    """Ten faces of each class, all in train/, of which the first is there three times."""
    for i in range(70):
        save('train', i, SEVEN[i % 7], tmp_path / 'train' / f'{i % 7:02d}' / f'{i:03d}.png')
    for k in range(7):
        first = tmp_path / 'train' / f'{k:02d}' / f'{k:03d}.png'
        for copy in ('a', 'b'):
            shutil.copy(first, first.with_stem(f'copy_{copy}'))
    return tmp_path


def names(data) -> set[str]:
    return {data.get_data_info(i)['img_path'] for i in range(len(data))}


def parts(root, **options) -> list[set[str]]:
    return [names(FERFolder(data_root=str(root), split=split, **options)) for split in SPLITS]


@pytest.mark.parametrize('below', ['train', '.'])
def test_three_parts_by_fraction_and_seed(single, below):
    options = dict(test_fraction=0.25, val_fraction=0.2)
    if below == '.':
        for path in sorted((single / 'train').iterdir()):
            path.rename(single / path.name)
        (single / 'train').rmdir()
    found = parts(single, **options)
    assert len(set.union(*found)) == sum(map(len, found)) == 84
    for split, part in zip(SPLITS, found):
        counts = np.bincount([int(name.split('/')[-2]) for name in part])
        assert set(counts) == {{'train': 7, 'val': 2, 'test': 3}[split]}
    assert parts(single, **options) == found
    assert parts(single, **options, split_seed=1) != found
    both = FERFolder(data_root=str(single), split='trainval', **options)
    assert names(both) == found[0] | found[1]


def test_no_copy_is_on_another_side(single):
    for seed in range(6):
        for part in parts(single, split_seed=seed, test_fraction=0.3, val_fraction=0.3):
            for k in range(7):
                copies = [f'{k:02d}/{name}.png' for name in (f'{k:03d}', 'copy_a', 'copy_b')]
                assert sum(any(name.endswith(copy) for name in part) for copy in copies) in (0, 3)


def test_the_official_parts_are_those_that_are_read(single):
    data = FERFolder(data_root=str(single), lazy_init=True)
    train, test = [{table.path(i) for i in range(len(table))} for *_, table in data.official_parts()]
    found = parts(single)
    assert train == found[0] | found[1] and test == found[2]


def test_train_beside_other_folders_is_no_single_folder(single):
    (single / 'val').mkdir()
    with pytest.raises(DatasetError, match='unknown layout'):
        FERFolder(data_root=str(single))
    assert len(FERFolder(data_root=str(single), split='trainval', ignore_folders=['val'])) > 60


def test_folders_to_ignore(tmp_path):
    folder(tmp_path)
    for part in ('train', 'valid'):
        save('train', 0, 'neutral', tmp_path / part / 'uncertain' / '0.jpg')
    with pytest.raises(DatasetError, match=r"unknown \['uncertain'\].*`ignore_folders`"):
        FERFolder(data_root=str(tmp_path))
    assert len(FERFolder(data_root=str(tmp_path), split='trainval', ignore_folders=['uncertain'])) == 35


def test_bad_fraction(tmp_path):
    with pytest.raises(ValueError, match='test_fraction'):
        FERFolder(data_root=str(tmp_path), test_fraction=1.0)
