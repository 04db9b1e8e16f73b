"""Cameras, lists that go on, and windows that are closed."""

import io
import itertools
import json

import pytest
from PIL import Image
from squares import predictor, scene

from dacl_mm.errors import UserError
from dacl_mm.inference import run
from dacl_mm.inference.frames import Frame
from dacl_mm.inference.outputs import Outputs
from dacl_mm.inference.pictures import PictureFolder
from dacl_mm.inference.sources import Source, listed_sources
from dacl_mm.inference.video import read_camera
from dacl_mm.inference.writers import RowWriter, row_file

CAMERA = Source('camera', 'webcam:3', 3)


@pytest.fixture
def camera(monkeypatch):
    """A camera that never ends, and what has been read of it."""
    taken = []

    def frames(number):
        for i in itertools.count():
            taken.append(i)
            yield Frame(f'webcam:{number}', i, 0.04 * i, scene(('red', 10 + i, 20, 40)))

    monkeypatch.setattr(run, 'read_camera', frames)
    return taken


class Closing:
    """A window that is closed at its n-th image."""

    def __init__(self, count: int):
        self.left = count

    def __call__(self, prediction) -> bool:
        self.left -= 1
        return self.left > 0


def test_a_camera_is_answered_frame_by_frame_until_the_window_is_closed(camera, tmp_path, capsys):
    file, predict = io.BytesIO(), predictor(batch_size=32)
    rows = RowWriter(file, predict.info.classes, True, as_csv=False)
    outputs = Outputs(rows, PictureFolder(tmp_path), Closing(5))
    run.predict_sources(predict, [CAMERA, CAMERA], outputs, 0.3)
    written = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [row['frame'] for row in written] == camera == [0, 1, 2, 3, 4]
    assert set(predict.classifier.batches) == {1} and {row['track'] for row in written} == {0}
    assert capsys.readouterr().out.startswith('webcam:3: 5 frames, 0 without a face; faces followed: 1\n')
    assert [path.name for path in tmp_path.iterdir()] == ['webcam_3_faces.webm']


def test_images_stop_with_the_window(tmp_path, capsys):
    for i in range(9):
        Image.fromarray(scene(('red', 10, 20, 40))).save(tmp_path / f'{i}.png')
    sources = [Source('image', str(path)) for path in sorted(tmp_path.iterdir())]
    outputs = Outputs(window=Closing(3))
    run.predict_sources(predictor(batch_size=2), sources, outputs, 0.3)
    assert outputs.stopped and outputs.images == outputs.faces == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f'{tmp_path}/0.png: red 81 %, 40 x 40 px at 10, 20' and len(lines) == 3


def test_there_is_no_such_camera(tmp_path):
    with pytest.raises(UserError, match='there is no camera 77'):
        next(read_camera(77))
    path = tmp_path / 'rows.csv'
    with pytest.raises(UserError), row_file(path, ('a',), True, endless=True):
        raise UserError('there is no camera')
    assert not path.exists()


def test_damaged_and_missing_videos_do_not_stop_the_rest(tmp_path, capsys):
    (tmp_path / 'notes.mp4').write_text('hello')
    Image.fromarray(scene(('red', 10, 20, 40))).save(tmp_path / 'a.png')
    names = [f'{tmp_path}/{name}' for name in ('gone.mp4', 'notes.mp4', 'a.png', 'gone.png')]
    file, predict = io.BytesIO(), predictor()
    outputs = Outputs(RowWriter(file, predict.info.classes, True, as_csv=False))
    run.predict_sources(predict, listed_sources(names), outputs, 0.3)
    assert (outputs.unreadable, outputs.faces) == (3, 1)
    shown = [json.loads(line)['expression'] for line in file.getvalue().splitlines()]
    assert shown == ['unreadable', 'unreadable', 'red', 'unreadable']
    said = capsys.readouterr().err
    assert all(name in said for name in ('gone.mp4 does not exist', 'notes.mp4 cannot be read as a video'))
