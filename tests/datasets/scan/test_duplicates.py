"""Near-duplicates: found exactly, without all pairs of identical images, and never split."""

import shutil
import tracemalloc

import numpy as np
import pytest
from layouts import rafdb

from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.datasets.scan.duplicates import groups, near_pairs
from dacl_mm.datasets.split import held_out


@pytest.fixture
def hashes():
    """300 hashes: half of them near one of 40, the other half copies of those."""
    rng = np.random.default_rng(0)
    found = rng.integers(0, 256, (40, 32), np.uint8)[rng.integers(0, 40, 300)]
    for row in found:
        for bit in rng.integers(0, 256, rng.integers(0, 9)):
            row[bit // 8] ^= 1 << (bit % 8)
    found[150:] = found[rng.integers(0, 150, 150)]
    return found


def test_links_are_near_and_connect_all_that_is(hashes):
    distance = np.unpackbits(hashes[:, None] ^ hashes[None], axis=2).sum(2)
    pairs = near_pairs(hashes, 14)
    assert (distance[pairs[:, 0], pairs[:, 1]] <= 14).all() and (pairs[:, 0] < pairs[:, 1]).all()
    every = np.argwhere(np.triu(distance <= 14, 1))
    assert len(every) > len(pairs) > 100
    np.testing.assert_array_equal(groups(300, pairs), groups(300, every))


def test_each_image_is_linked_to_every_part_that_has_a_near_one(hashes):
    part = np.random.default_rng(1).integers(0, 3, 300)
    distance = np.unpackbits(hashes[:, None] ^ hashes[None], axis=2).sum(2)
    linked = np.zeros((300, 3), bool)
    for a, b in near_pairs(hashes, 14, part):
        linked[a, part[b]] = linked[b, part[a]] = True
    for k in range(3):
        others = part != k
        np.testing.assert_array_equal(linked[others, k], (distance[others][:, part == k] <= 14).any(1))


def test_identical_images_cost_no_square():
    same = np.zeros((4000, 32), np.uint8)
    tracemalloc.start()
    pairs = near_pairs(same)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(pairs) == 3999 and peak < 20e6  # all pairs are 128 MB
    assert (groups(4000, pairs) == 0).all()


def test_few_images():
    assert near_pairs(np.zeros((0, 32), np.uint8)).shape == (0, 2)
    assert near_pairs(np.zeros((1, 32), np.uint8)).shape == (0, 2)


def test_a_held_out_part_splits_no_group():
    rng = np.random.default_rng(2)
    group = np.array([min(i, int(rng.integers(0, 60))) for i in range(400)])
    group = group[group[group]]
    for seed in range(5):
        held = held_out(rng.integers(0, 7, 400), 0.3, seed, group)
        assert 0 < held.sum() < 200
        for leader in np.unique(group):
            assert len(set(held[group == leader])) == 1


def test_copies_stay_on_one_side_of_the_split(tmp_path):
    """Each training photograph is there four times, one of them compressed again."""
    rafdb(tmp_path)
    aligned = tmp_path / 'basic' / 'Image' / 'aligned'
    table = tmp_path / 'basic' / 'EmoLabel' / 'list_patition_label.txt'
    lines = table.read_text().splitlines()
    source = {}
    for number, line in enumerate([line for line in lines if line.startswith('train')], 1):
        for k in range(1, 4):
            copy = f'train_{number + 100 * k:05d}'
            source[copy] = f'train_{number:05d}'
            lines.append(f'{copy}.jpg {line.split()[1]}')
            shutil.copy(aligned / f'train_{number:05d}_aligned.jpg', aligned / f'{copy}_aligned.jpg')
    table.write_text('\n'.join(lines))
    sides = {}
    for split in ('train', 'val'):
        data = RAFDB(data_root=str(tmp_path), split=split, val_fraction=0.3)
        names = [data.get_data_info(i)['img_path'].split('/')[-1][:11] for i in range(len(data))]
        sides[split] = {source.get(name, name) for name in names}
        assert len(names) == 4 * len(sides[split])
    assert sides['val'] and not sides['train'] & sides['val']
