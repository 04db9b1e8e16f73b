"""Where the pixels do not fit or cannot be written, a message says so and files are read."""

import os
import resource
import subprocess
from pathlib import Path

import pytest
from stored_sets import COUNT, faces, files, pixels, stored_images, write_set

from dacl_mm.datasets.storage import fill, free_memory, store


@pytest.fixture
def root(tmp_path, monkeypatch):
    return write_set(tmp_path, monkeypatch)


@pytest.fixture
def said(monkeypatch):
    """Messages of the storage."""
    messages = []
    monkeypatch.setattr(store, 'print_log', lambda text, **options: messages.append(text))
    return messages


@pytest.fixture
def decodes_nothing(monkeypatch):
    """That there is no room is found before the work is done."""
    monkeypatch.setattr(fill, 'open_image', lambda path: pytest.fail(f'{path} was decoded'))


def goes_on_without(root, where='disk', **options) -> bool:
    """Whether no image is stored, no file is left and the items are those of the files."""
    data, plain = faces(root, where, **options), faces(root, None)
    same = all((a == b).all() for a, b in zip(pixels(plain), pixels(data), strict=True))
    left = [path for path in root.parent.glob('cache/*pixels-*') if path.suffix != '.lock']
    return same and stored_images(data) == 0 and left == []


def total(root) -> int:
    return sum(image.nbytes for image in pixels(faces(root, None)))


@pytest.mark.parametrize('where', ['disk', 'memory'])
def test_more_than_the_limit(root, said, where):
    needed = total(root) / 1e9
    assert goes_on_without(root, where, limit_gb=0.999 * needed)
    (message,) = said
    assert f'the {COUNT} train images in {root / "train"} are read from their files' in message
    assert f'{needed:.2f} GB as pixels: more than storage.limit_gb=' in message and 'be raised' in message
    assert stored_images(faces(root, where, limit_gb=1.001 * needed)) == COUNT


@pytest.mark.parametrize('where', ['disk', 'memory'])
def test_more_than_is_free_beside_the_margin(root, said, where, monkeypatch):
    monkeypatch.setattr(store, 'MARGIN', 10**18)
    assert goes_on_without(root, where)
    (message,) = said
    assert 'has room for 0.00 GB, with a margin of 1e+09 GB for others; free some' in message


def test_an_outdated_version_makes_room(root, said, monkeypatch):
    """What is outdated is gone before the new version is asked whether it fits."""
    faces(root, 'disk')
    os.utime(root / 'train/00/bmp.bmp')
    monkeypatch.setattr(store, 'MARGIN', 10**18)
    assert goes_on_without(root) and files(root) == []


@pytest.fixture
def small_disk(tmp_path):
    """A cache folder on a file system of 200 kB."""
    folder = tmp_path / 'cache'
    folder.mkdir()
    mount = ['mount', '-t', 'tmpfs', '-o', 'size=200k', 'none', str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip('no right to mount a small file system')
    yield
    subprocess.run(['umount', str(folder)], check=True)


def test_a_full_disk(small_disk, decodes_nothing, root, said, monkeypatch):
    assert goes_on_without(root)
    assert 'has room for 0.00 GB' in said[0]
    monkeypatch.setattr(store, 'MARGIN', -(10**12))  # another process fills the disk meanwhile
    assert goes_on_without(root)
    assert 'No space left on device' in said[1] and 'DACL_CACHE' in said[1]


@pytest.mark.parametrize('where', ['disk', 'memory'])
def test_files_of_limited_size(root, decodes_nothing, said, where):
    faces(root, None)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        assert goes_on_without(root, where)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    (message,) = said
    assert 'File too large' in message


@pytest.mark.parametrize('where', ['disk', 'memory'])
def test_a_cache_folder_that_cannot_be_written(root, said, where, tmp_path, monkeypatch):
    (tmp_path / 'file').touch()
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'file/below'))
    assert goes_on_without(root, where)
    assert len(said) == 1 and str(tmp_path / 'file/below') in said[0]


def test_a_read_only_cache_folder_that_was_filled_before(root, said, tmp_path):
    faces(root, 'disk')
    locks = list((tmp_path / 'cache').glob('*.lock'))
    for path in locks:
        path.unlink()
    (tmp_path / 'cache').chmod(0o500)
    try:
        assert stored_images(faces(root, 'disk')) == COUNT
        assert said == [] and list((tmp_path / 'cache').glob('*.lock')) == []
    finally:
        (tmp_path / 'cache').chmod(0o700)


def test_memory_of_a_limited_group(root, said, tmp_path, monkeypatch):
    """As in a container, or a job of a cluster: the nearest limit counts; cached files can go."""
    machine = free_memory.free_memory()
    monkeypatch.setattr(free_memory, 'CGROUPS', tmp_path / 'groups')
    own = [line for line in Path('/proc/self/cgroup').read_text().splitlines() if line.startswith('0::/')]
    group = tmp_path / 'groups' / (own[0].removeprefix('0::/') if own else '')
    group.mkdir(parents=True, exist_ok=True)
    (group / 'memory.max').write_text('max\n')
    assert abs(free_memory.free_memory() - machine) < 2**30
    (group / 'memory.max').write_text('3000000\n')
    (group / 'memory.current').write_text('2500000\n')
    (group / 'memory.stat').write_text('anon 1500000\ninactive_file 200000\nactive_file 300000\n')
    assert free_memory.free_memory() == 1_000_000
    assert goes_on_without(root, 'memory') and 'has room for 0.00 GB' in said[0]
