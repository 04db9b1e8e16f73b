"""Stored once by whoever comes first, anew when a source changes, and never found half-written."""

import gc
import os
import pickle
import signal
import time
import zlib
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from stored_sets import COUNT, faces, files, noise, pixels, stored_images, write_set

from dacl_mm.datasets.scan import parallel
from dacl_mm.datasets.storage import fill, store
from dacl_mm.datasets.storage import pixels as pixel_files


@pytest.fixture
def root(tmp_path, monkeypatch):
    return write_set(tmp_path, monkeypatch)


@pytest.fixture
def decoded(monkeypatch):
    """Names of the images that are decoded to be stored."""
    names, original = [], fill.open_image
    monkeypatch.setattr(fill, 'open_image', lambda path: (names.append(Path(path).name), original(path))[1])
    return names


@pytest.fixture
def said(monkeypatch):
    """Messages of the storage."""
    messages = []
    for module in (store, fill, pixel_files):
        monkeypatch.setattr(module, 'print_log', lambda text, **options: messages.append(text))
    return messages


def equal_to_files(root, data) -> bool:
    """Whether the items are those of the files as they are now."""
    plain = faces(root, None, data.split)
    return all((a == b).all() for a, b in zip(pixels(plain), pixels(data), strict=True))


@pytest.mark.parametrize('where', ['disk', 'memory'])
def test_later_starts_and_other_splits_decode_no_more(root, where, decoded, said):
    kept = [faces(root, where, split) for split in ('train', 'val', 'trainval', 'train')]
    assert len(decoded) == COUNT and said == [] and all(map(stored_images, kept))
    faces(root, where, 'test')
    assert len(decoded) == 2 * COUNT
    assert len(files(root)) == (2 if where == 'disk' else 0)


def test_memory_is_free_again_with_its_last_user(root, decoded):
    def shared() -> list[str]:
        gc.collect()
        links = [os.path.realpath(link) for link in Path('/proc/self/fd').iterdir()]
        return [link for link in links if 'memfd:dacl_mm' in link]

    before = shared()
    data = faces(root, 'memory')
    assert len(shared()) == len(before) + 1
    del data
    assert shared() == before
    faces(root, 'memory')
    assert len(decoded) == 2 * COUNT


@pytest.mark.parametrize('where', ['disk', 'memory'])
@pytest.mark.parametrize(
    'change', ['rewritten', 'same size', 'touched', 'removed', 'added', 'renamed', 'exchanged']
)
def test_a_changed_source_is_seen(root, where, change, decoded):
    path = root / 'train/03/bmp.bmp'
    first, state = faces(root, where), path.stat()
    (old,) = files(root) or [None]
    new = path.with_name('bmq.bmp')
    if change == 'same size':
        Image.fromarray(noise(9999, *Image.open(path).size)).save(path)
        assert path.stat().st_size == state.st_size
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    elif change == 'rewritten':
        Image.fromarray(noise(9999, 20, 30)).save(path)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    elif change == 'touched':
        os.utime(path)
    elif change == 'added':
        Image.fromarray(noise(9999, 20, 30)).save(new)
    elif change in ('renamed', 'exchanged'):
        path.rename(new)
        if change == 'exchanged':  # by one that differs in name and pixels alone
            Image.fromarray(noise(9999, *Image.open(new).size)).save(new)
            os.utime(new, ns=(state.st_atime_ns, state.st_mtime_ns))
    else:
        path.unlink()
    count = COUNT + dict(added=1, removed=-1).get(change, 0)
    again = faces(root, where)
    assert len(again) == stored_images(again) == count and len(decoded) == COUNT + count
    assert equal_to_files(root, again)
    assert stored_images(first) == COUNT  # a running process keeps what it had
    if where == 'disk':
        assert len(files(root)) == 1 and not old.exists()


def test_an_image_that_changed_since_it_was_looked_at(root, monkeypatch, said):
    """Of more than 20,000 files the look at them watches some only."""
    monkeypatch.setattr('dacl_mm.datasets.scan.facts.spread', lambda count: np.arange(1))
    faces(root, None)
    path = root / 'train/03/bmp.bmp'
    Image.fromarray(noise(9999, 20, 30)).save(path)
    data = faces(root, 'disk')
    assert stored_images(data) == COUNT - 1 and equal_to_files(root, data)
    (message,) = said
    assert f'1 images changed since they were looked at, as {path}' in message


@pytest.mark.parametrize('damage', ['cut', 'empty', 'rows only'])
def test_a_damaged_file_is_stored_anew_and_said(root, damage, decoded, said):
    faces(root, 'disk')
    (path,) = files(root)
    content = path.read_bytes()
    path.write_bytes(content[: dict(cut=-1, empty=0).get(damage, 24 * COUNT)])
    data = faces(root, 'disk')
    assert len(decoded) == 2 * COUNT and equal_to_files(root, data)
    (message,) = said
    assert f'{path} is damaged' in message and files(root) == [path] and path.read_bytes() == content


def test_a_copy_goes_on_with_the_files_where_the_storage_was_removed(root, said):
    state = pickle.dumps(faces(root, 'disk'))
    files(root)[0].unlink()
    data = pickle.loads(state)
    assert stored_images(data) == 0 and equal_to_files(root, data)
    assert len(said) == 1 and 'was removed' in said[0]


def start(root, where, rank, results, over) -> None:
    """Start as a process, or as a rank of two, and tell how much was decoded and what is read."""
    if rank is not None:
        address = f'file://{root.parent}/ranks'
        torch.distributed.init_process_group('gloo', init_method=address, rank=rank, world_size=2)
    names, original = [], fill.open_image
    fill.open_image = lambda path: (names.append(path), time.sleep(0.01), original(path))[2]
    data = faces(root, where)
    results.put((len(names), stored_images(data), sum(zlib.crc32(image) for image in pixels(data))))
    over.wait(60)  # memory lasts while it is used


@pytest.mark.parametrize('where', ['disk', 'memory'])
@pytest.mark.parametrize('ranks', [(None, None, None), (0, 1)])
def test_processes_that_start_at_once_store_once(root, where, ranks):
    processes = get_context('fork')
    results, over = processes.Queue(), processes.Event()
    running = [processes.Process(target=start, args=(root, where, rank, results, over)) for rank in ranks]
    for process in running:
        process.start()
    told = [results.get(timeout=60) for _ in running]
    over.set()
    for process in running:
        process.join()
        assert process.exitcode == 0
    assert sorted(decoded for decoded, *_ in told) == [0] * (len(ranks) - 1) + [COUNT]
    total = sum(zlib.crc32(image) for image in pixels(faces(root, None)))
    assert {(stored, pixels) for _, stored, pixels in told} == {(COUNT, total)}


def store_until(folder: str, root, where, reached: Path) -> None:
    """Store by several processes, which stop at the images of a class and leave their ids."""
    parallel.SERIAL, parallel.CHUNK = 0, 4
    original = fill.open_image

    def slow(path):
        if f'/{folder}/' in path:
            (reached / str(os.getpid())).touch()
            time.sleep(60)
        return original(path)

    fill.open_image = slow
    faces(root, where)


@pytest.mark.parametrize('where', ['disk', 'memory'])
def test_a_kill_leaves_nothing_that_is_found_and_no_process(root, where, decoded):
    faces(root, None)
    reached = root.parent / 'reached'
    reached.mkdir()
    process = os.fork()
    if not process:
        store_until('05', root, where, reached)
        os._exit(1)
    while not list(reached.iterdir()):
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    assert files(root) == []
    workers = [Path('/proc', path.name, 'cmdline') for path in reached.iterdir()]
    until = time.monotonic() + 20
    while any(path.is_file() and path.read_bytes() for path in workers):
        assert time.monotonic() < until, 'the worker processes outlive the killed one'
        time.sleep(0.1)
    data = faces(root, where)
    assert len(decoded) == COUNT and equal_to_files(root, data)
    left = {path.suffix for path in (root.parent / 'cache').iterdir()}
    assert left == {'.npy', '.lock'} | ({'.bin'} if where == 'disk' else set())
