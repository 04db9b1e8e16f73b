from pathlib import Path

import numpy as np
import pytest
from conftest import REPO
from mmengine.config import Config
from PIL import Image

from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.datasets.readers.folder import FERFolder
from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.errors import DatasetError


def noise(seed: int) -> Image.Image:
    """No two of these are near-duplicates."""
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), np.uint8)
    return Image.fromarray(pixels).resize((20, 20))


RAFDB_LABELS = dict(enumerate(['surprise', 'fear', 'disgust', 'happiness', 'sadness', 'anger', 'neutral'], 1))


@pytest.fixture
def rafdb(tmp_path):
    """A tiny RAF-DB: 10 training and 2 test images of each class, drawn plain."""
    base = tmp_path / 'basic'
    lines = []
    for part, count, width in (('train', 10, 5), ('test', 2, 4)):
        for i in range(7 * count):
            lines.append(f'{part}_{i + 1:0{width}d}.jpg {i % 7 + 1}')
            for kind, suffix in (('aligned', '_aligned'), ('original', '')):
                path = base / 'Image' / kind / f'{part}_{i + 1:0{width}d}{suffix}.jpg'
                path.parent.mkdir(parents=True, exist_ok=True)
                noise(i).save(path)
    (base / 'EmoLabel').mkdir()
    (base / 'EmoLabel' / 'list_patition_label.txt').write_text('\n'.join(lines))
    return tmp_path


@pytest.fixture
def folders(tmp_path):
    for part in ('train', 'valid'):
        for i in range(7):
            (tmp_path / part / f'{i:02d}').mkdir(parents=True)
            for n in range(4):
                noise(10 * i + n).save(tmp_path / part / f'{i:02d}' / f'{n}.jpg')
    return tmp_path


@pytest.mark.parametrize('images', ['aligned', 'original'])
def test_rafdb_maps_labels_by_name(rafdb, images):
    data = RAFDB(data_root=str(rafdb), split='test', images=images)
    assert len(data) == 14
    for info in map(data.get_data_info, range(14)):
        number = int(Path(info['img_path']).name[5:9])
        assert PAPER_CLASSES[info['gt_label']] == RAFDB_LABELS[(number - 1) % 7 + 1]


def test_splits_are_disjoint_stratified_and_repeatable(rafdb):
    paths = {}
    for split in ('train', 'val', 'trainval'):
        data = RAFDB(data_root=str(rafdb), split=split, val_fraction=0.2)
        paths[split] = {data.get_data_info(i)['img_path'] for i in range(len(data))}
        counts = [sum(data.get_data_info(i)['gt_label'] == k for i in range(len(data))) for k in range(7)]
        assert counts == [{'train': 8, 'val': 2, 'trainval': 10}[split]] * 7
    assert not paths['train'] & paths['val'] and paths['train'] | paths['val'] == paths['trainval']
    again = RAFDB(data_root=str(rafdb), split='val', val_fraction=0.2)
    other = RAFDB(data_root=str(rafdb), split='val', val_fraction=0.2, split_seed=1)
    assert {again.get_data_info(i)['img_path'] for i in range(14)} == paths['val']
    assert {other.get_data_info(i)['img_path'] for i in range(14)} != paths['val']


def test_classes_of_another_order_and_fewer(rafdb):
    data = RAFDB(data_root=str(rafdb), split='test', classes=('anger', 'neutral'))
    assert len(data) == 4
    assert {data.CLASSES[data.get_data_info(i)['gt_label']] for i in range(4)} == {'anger', 'neutral'}


@pytest.mark.parametrize(
    ('line', 'message'),
    [
        ('train_00001.jpg 8', r'row 1: expected'),
        ('train_00001.jpg', r'row 1: expected'),
        ('photo.jpg 1', r'row 1: expected'),
        ('train_99999.jpg 1', r'row 1: .*train_99999_aligned\.jpg is missing'),
    ],
)
def test_bad_rows_are_named(rafdb, line, message):
    table = rafdb / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    table.write_text(line + '\n' + table.read_text())
    with pytest.raises(DatasetError, match=message):
        RAFDB(data_root=str(rafdb))


def test_list_with_bom_and_crlf(rafdb):
    table = rafdb / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    table.write_bytes(b'\xef\xbb\xbf' + table.read_bytes().replace(b'\n', b'\r\n') + b'\r\n')
    assert len(RAFDB(data_root=str(rafdb), split='trainval')) == 70


def test_folder_order_is_the_papers(folders):
    data = FERFolder(data_root=str(folders), split='test')
    for info in map(data.get_data_info, range(len(data))):
        assert int(info['img_path'].split('/')[-2]) == info['gt_label']
    (folders / 'valid').rename(folders / 'test')
    assert len(FERFolder(data_root=str(folders), split='test')) == 28


def test_folder_names_by_option(folders):
    for i, name in enumerate(PAPER_CLASSES):
        for part in ('train', 'valid'):
            (folders / part / f'{i:02d}').rename(folders / part / f'x{name}')
    names = {f'x{name}': name for name in PAPER_CLASSES}
    assert len(FERFolder(data_root=str(folders), split='test', folders=names)) == 28
    with pytest.raises(DatasetError, match='by its option `folders`'):
        FERFolder(data_root=str(folders), split='test')


def test_ambiguous_and_missing_parts(folders):
    (folders / 'test').mkdir()
    with pytest.raises(DatasetError, match=r'several layouts.*option layout'):
        FERFolder(data_root=str(folders), split='test')


@pytest.mark.parametrize('kind', [RAFDB, FERFolder])
def test_missing_root_names_the_variable(tmp_path, kind):
    with pytest.raises(DatasetError, match=f'nowhere.*{kind.ROOT_VARIABLE}'):
        kind(data_root=str(tmp_path / 'nowhere'))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(split='validation'), 'split must be one of'),
        (dict(val_fraction=1.0), 'val_fraction'),
        (dict(classes=('joy',)), 'unknown class'),
        (dict(classes=('fear', 'fear')), 'twice'),
    ],
)
def test_bad_options(rafdb, options, message):
    with pytest.raises(ValueError, match=message):
        RAFDB(data_root=str(rafdb), **options)


@pytest.mark.parametrize('root', [r'C:\temp\raf', "it's {here}", 'a "b" $c', r'trailing\\'])
@pytest.mark.parametrize('config', ['rafdb', 'folder', 'affectnet8', 'fer2013', 'ferplus'])
def test_any_root_of_the_environment_reaches_the_config(monkeypatch, config, root):
    variable = {'folder': 'FER_FOLDER', 'affectnet8': 'AFFECTNET'}.get(config, config.upper())
    monkeypatch.setenv(f'{variable}_ROOT', root)
    cfg = Config.fromfile(REPO / 'configs' / f'softmax_r18_{config}.py')
    for part in ('train', 'val', 'test'):
        assert cfg[f'{part}_dataloader'].dataset.data_root == root
    assert Config.fromstring(cfg.pretty_text, '.py').train_dataloader.dataset.data_root == root
    monkeypatch.delenv(f'{variable}_ROOT')
    cfg = Config.fromfile(REPO / 'configs' / f'softmax_r18_{config}.py')
    assert cfg.train_dataloader.dataset.data_root.startswith('data/')
