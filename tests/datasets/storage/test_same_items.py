"""The items are the same with and without the storage, whatever the file, the layout and the transforms."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from layouts import LAYOUTS
from mmcv.transforms import BaseTransform
from mmengine.registry import init_default_scope
from PIL import Image
from stored_sets import COUNT, TEST, TRAIN, faces, files, pixels, stored_images, write_set
from torch.utils.data import DataLoader

from dacl_mm.benchmarks.memory import private_bytes
from dacl_mm.datasets.readers.folder import FERFolder
from dacl_mm.errors import UnreadableImageError, UserError

PLACES = pytest.mark.parametrize('where', ['disk', 'memory'])


@pytest.fixture
def root(tmp_path, monkeypatch):
    return write_set(tmp_path, monkeypatch)


@PLACES
@pytest.mark.parametrize('split', ['trainval', 'val', 'test'])
def test_the_pixels_of_every_kind_of_file(root, where, split):
    expected = pixels(faces(root, None, split))
    data = faces(root, where, split)
    shutil.rmtree(root)  # no file is read any more
    for plain, stored in zip(expected, pixels(data), strict=True):
        assert plain.dtype == stored.dtype == np.uint8 and plain.shape == stored.shape
        assert (plain == stored).all()
    assert split == 'val' or (43, 50, 3) in {image.shape for image in expected}  # 43 wide, turned by EXIF


@PLACES
def test_the_items_of_whole_pipelines(root, where):
    init_default_scope('mmpretrain')

    def items(storage):
        train, test = (
            faces(root, storage, 'train', pipeline=TRAIN),
            faces(root, storage, 'test', pipeline=TEST),
        )
        train.pin_draws(seed=3, epoch=1)
        return [*train, *test]

    for plain, stored in zip(items(None), items(where), strict=True):
        assert (plain['inputs'] == stored['inputs']).all()
        one, other = plain['data_samples'], stored['data_samples']
        assert one.gt_label == other.gt_label and one.metainfo == other.metainfo


@pytest.mark.parametrize('name', [name for name, (*_, image) in LAYOUTS.items() if image])
def test_every_layout(name, tmp_path, monkeypatch):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    reader, write, *_ = LAYOUTS[name]
    write(tmp_path / 'data')
    for split in ('train', 'val', 'trainval', 'test'):
        options = dict(data_root=str(tmp_path / 'data'), split=split)
        data = reader(**options, storage=dict(where='disk'))
        assert stored_images(data) == len(data)
        for plain, stored in zip(pixels(reader(**options)), pixels(data), strict=True):
            assert (plain == stored).all()
    assert len(files(tmp_path / 'data')) == 2  # the official parts


def test_a_set_without_a_test_part(root):
    """Its parts are chosen, not listed."""
    for split in ('train', 'val', 'test'):
        plain, stored = faces(root / 'train', None, split), faces(root / 'train', 'disk', split)
        assert stored_images(stored) == len(stored)
        assert all((a == b).all() for a, b in zip(pixels(plain), pixels(stored), strict=True))


@pytest.mark.parametrize('name', ['FER2013 csv', 'FER+ csv'])
def test_pixels_that_are_in_memory_already_are_not_stored(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    reader, write, *_ = LAYOUTS[name]
    write(tmp_path / 'data')
    data = reader(data_root=str(tmp_path / 'data'), split='trainval', storage=dict(where='disk'))
    assert stored_images(data) == 0 and 'pixels' in data.get_data_info(0)
    assert not files(tmp_path / 'data') and 'storage' not in capsys.readouterr().out


class Blacken(BaseTransform):
    """Writes into the image it is given."""

    def transform(self, results):
        results['img'][:] = 0
        return results


@PLACES
def test_no_transform_damages_what_is_stored(root, where):
    expected = pixels(faces(root, None))
    data = faces(root, where, pipeline=[dict(type='LoadFace'), Blacken()])
    assert not any(item['img'].any() for item in data)
    assert all((plain == stored).all() for plain, stored in zip(expected, pixels(data), strict=True))
    with pytest.raises(ValueError, match='read-only'):
        data.get_data_info(0)['img'][0, 0, 0] = 1


@PLACES
def test_copies_and_subsets_do_not_copy_pixels(root, where):
    data = faces(root, where)
    total = sum(image.nbytes for image in pixels(data))
    with pytest.raises(UserError, match=f'{len(data)} is none of its {len(data)} images'):
        data.get_subset([0, len(data)])
    subset, fold = data.get_subset(list(range(5, 60))), faces(root, where, indices=-20)
    assert stored_images(subset) == len(subset) == 55 and stored_images(fold) == len(fold) == 20
    assert subset.get_gt_labels().tolist() == data.get_gt_labels()[5:60].tolist()
    last = [data.get_data_info(i)['img_path'] for i in range(len(data) - 20, len(data))]
    assert [fold.get_data_info(i)['img_path'] for i in range(20)] == last
    for original in (data, subset, fold):
        state = pickle.dumps(original)
        assert len(state) < total / 20
        again = pixels(pickle.loads(state))
        assert all((a == b).all() for a, b in zip(pixels(original), again, strict=True))
    assert all((a == b).all() for a, b in zip(pixels(data)[5:60], pixels(subset), strict=True))


def anonymous_kib() -> int:
    """Memory of this process that is no file's, in KiB."""
    lines = Path('/proc/self/smaps_rollup').read_text().splitlines()
    (line,) = [line for line in lines if line.startswith('Anonymous:')]
    return int(line.split()[1])


class Reading:
    """What private memory a worker takes to read every image."""

    def __init__(self, data):
        self.data = data

    def __len__(self):
        return 2

    def __getitem__(self, i):
        before = private_bytes() // 1024
        assert sum(int(self.data.get_data_info(j)['img'].sum()) for j in range(len(self.data)))
        return private_bytes() // 1024 - before


@PLACES
def test_loader_processes_share_the_pixels(tmp_path, where, monkeypatch):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    for label in range(7):
        (tmp_path / 'data/train' / f'{label:02d}').mkdir(parents=True)
        for i in range(10):
            square = np.random.default_rng(10 * label + i).integers(0, 256, (400, 400, 3), np.uint8)
            Image.fromarray(square).save(tmp_path / 'data/train' / f'{label:02d}' / f'{i}.bmp')
    first = faces(tmp_path / 'data', where)
    before = anonymous_kib()
    data = faces(tmp_path / 'data', where)  # as another process does
    Reading(data)[0]
    grown = [anonymous_kib() - before, *DataLoader(Reading(data), batch_size=None, num_workers=2)]
    assert max(grown) * 1024 < 0.1 * len(first) * square.nbytes


@PLACES
def test_unreadable_images_are_replaced_as_without(root, where):
    init_default_scope('mmpretrain')
    bad = root / 'train' / '02' / 'jpg.jpg'
    bad.write_bytes(bad.read_bytes()[:-200])
    with pytest.raises(UnreadableImageError, match=r'jpg\.jpg'):
        faces(root, where)
    data = faces(root, where, unreadable='replace', pipeline=TRAIN)
    index = [data.get_data_info(i)['img_path'] for i in range(len(data))].index(str(bad))
    assert stored_images(data) == COUNT - 1 and 'img' not in data.get_data_info(index)
    assert int(data[index]['data_samples'].gt_label) == data.get_data_info(index)['gt_label']
    assert data.replaced_images() == [str(bad)]


@pytest.mark.parametrize(
    ('storage', 'message'),
    [
        ('disk', 'storage must be None or a dict of where, limit_gb'),
        (dict(limit=3), 'storage must be None or a dict of where, limit_gb'),
        (dict(where='ram'), "storage.where must be 'disk' or 'memory', got 'ram'"),
        (dict(limit_gb=0), 'storage.limit_gb must be a positive number, got 0'),
        (dict(limit_gb='8'), "storage.limit_gb must be a positive number, got '8'"),
    ],
)
def test_mistakes_in_the_option(storage, message):
    with pytest.raises(UserError, match=message):
        FERFolder(storage=storage, lazy_init=True)
