import subprocess
import sys
import threading
from collections import OrderedDict

import pytest
import torch
from small_runner import listen

from dacl_mm.engine.checkpoint.writer import CheckpointWriter
from dacl_mm.errors import FileError


def content(value: float) -> dict:
    return dict(state_dict=OrderedDict(w=torch.full((10,), value)))


def value(path) -> float:
    return torch.load(path, weights_only=True)['state_dict']['w'][0].item()


def nothing() -> None:
    """Follows a write."""


def test_of_each_kind_one_is_under_way_and_the_next_waits(tmp_path):
    writer, gate = CheckpointWriter(), threading.Event()
    writer.write('last', content(1), tmp_path / '1.pth', gate.wait)
    writer.write('best', content(2), tmp_path / '2.pth', nothing)  # does not wait
    assert not (tmp_path / '2.pth').exists()
    second = content(3)
    training = threading.Thread(target=writer.write, args=('last', second, tmp_path / '3.pth', nothing))
    training.start()
    training.join(0.3)
    assert training.is_alive()
    gate.set()
    training.join()
    second['state_dict']['w'].zero_()
    writer.finish()
    assert [value(tmp_path / f'{i}.pth') for i in (1, 2, 3)] == [1, 2, 3]


def test_what_follows_a_write_follows_it(tmp_path):
    writer, seen = CheckpointWriter(), []
    for name in ('1.pth', '2.pth'):
        writer.write('last', content(1), tmp_path / name, lambda: seen.append(len(list(tmp_path.iterdir()))))
    writer.finish()
    assert seen == [1, 2]


@pytest.mark.parametrize('kind', ['last', 'best'])
def test_a_failed_write_is_logged_at_once_and_raised_by_the_next(tmp_path, kind):
    said, gate, written = listen(tmp_path / 'said'), threading.Event(), threading.Event()
    (tmp_path / 'folder').write_text('in its place')
    writer = CheckpointWriter()
    writer.write('first', content(1), tmp_path / 'first.pth', gate.wait)
    writer.write('last', content(1), tmp_path / 'folder' / '1.pth', nothing)
    writer.write('other', content(1), tmp_path / 'other.pth', written.set)
    gate.set()
    written.wait()
    assert 'folder cannot be made a folder' in said()
    with pytest.raises(FileError, match='folder cannot be made a folder'):
        writer.write(kind, content(2), tmp_path / '2.pth', nothing)
    assert not (tmp_path / '2.pth').exists()
    with pytest.raises(FileError, match='folder cannot be made a folder'):
        writer.finish()


def test_in_the_foreground_it_is_on_disk_at_once(tmp_path):
    writer, thread = CheckpointWriter(background=False), []
    writer.write('last', content(1), tmp_path / '1.pth', lambda: thread.append(threading.current_thread()))
    assert value(tmp_path / '1.pth') == 1 and thread == [threading.main_thread()]
    writer.finish()


@pytest.mark.parametrize('end', ['', 'raise KeyboardInterrupt'])
def test_a_process_ends_when_everything_is_on_disk(tmp_path, end):
    code = (
        'import sys, time, torch; from pathlib import Path\n'
        'from dacl_mm.engine.checkpoint.writer import CheckpointWriter\n'
        'content, folder = dict(state_dict=torch.nn.Linear(2000, 2000).state_dict()), Path(sys.argv[1])\n'
        'writer = CheckpointWriter()\n'
        'writer.write("last", content, folder / "1.pth", lambda: time.sleep(0.5))\n'
        'writer.write("best", content, folder / "2.pth", lambda: (folder / "note").touch())\n'
    )
    subprocess.run([sys.executable, '-c', code + end, str(tmp_path)], stderr=subprocess.DEVNULL, timeout=100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['1.pth', '2.pth', 'note']
    assert torch.load(tmp_path / '2.pth', weights_only=True)['state_dict']['weight'].shape == (2000, 2000)
