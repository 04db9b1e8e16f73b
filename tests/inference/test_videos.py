"""Videos: read, followed, and drawn again."""

import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest
from squares import predictor, scene, write_video

from dacl_mm.errors import MissingFileError, UnreadableImageError
from dacl_mm.inference.frames import Frame
from dacl_mm.inference.pictures import PictureFolder
from dacl_mm.inference.results import Prediction
from dacl_mm.inference.video import read_video, video_facts


def walk(count: int = 24) -> list[np.ndarray]:
    """Two squares walk; the left one turns from red to green, the right one is away in the middle."""
    images = []
    for i in range(count):
        squares = [('red' if i < count // 2 else 'green', 10 + i, 20, 40)]
        if not count // 3 <= i < count // 2:
            squares.append(('blue', 110 - i, 70, 36))
        images.append(scene(*squares))
    return images


@pytest.fixture(scope='module')
def clip(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp('clip') / 'clip.webm', walk(), rate=12.5)


def read_all(path) -> tuple[list[np.ndarray], list[float]]:
    frames = list(read_video(path))
    return [frame.image for frame in frames], [frame.time for frame in frames]


@pytest.mark.parametrize('suffix, code', [('webm', 'VP90'), ('avi', 'MJPG'), ('mp4', 'mp4v')])
def test_times_are_the_containers(tmp_path, suffix, code):
    path = write_video(tmp_path / f'a.{suffix}', walk(10), rate=12.5, code=code)
    images, times = read_all(path)
    np.testing.assert_allclose(times, np.arange(10) / 12.5, atol=2e-3)
    assert abs(images[3].astype(int) - walk(10)[3]).mean() < 10  # RGB
    assert video_facts(path) == (10, 12.5)


def delay(path: Path, first: int, seconds: float) -> None:
    """Move the blocks of a short WebM of 25 frames a second, from one on, to later times."""
    data, place = bytearray(path.read_bytes()), 0
    for i in range(first + 1):  # a block: number of the track (1), milliseconds, flags
        place = data.index(b'\x81' + (40 * i).to_bytes(2, 'big'), place) + 1
    while place:
        time = int.from_bytes(data[place : place + 2], 'big')
        data[place : place + 2] = (time + round(1000 * seconds)).to_bytes(2, 'big')
        place = data.find(b'\x81' + (time + 40).to_bytes(2, 'big'), place) + 1
    path.write_bytes(data)


def test_frames_need_not_come_at_even_times(tmp_path):
    """A pause of 0.3 s: in the times, in the average, and in the annotated video."""
    images = [scene(('red' if i < 5 else 'green', 10, 20, 40)) for i in range(10)]
    path = write_video(tmp_path / 'a.webm', images)
    delay(path, 5, 0.3)
    expected = np.arange(10) / 25 + 0.3 * (np.arange(10) >= 5)
    np.testing.assert_allclose(read_all(path)[1], expected, atol=2e-3)
    found = list(predictor().video(path, smooth=0.3))
    faces = [one.faces[0] for one in found]
    gain = 1 - np.exp(-0.34 / 0.3)
    before, after = faces[4].smoothed['green'], faces[5].probabilities['green']
    assert faces[5].smoothed['green'] == pytest.approx(before + gain * (after - before), abs=1e-3)
    with PictureFolder(tmp_path).video('a.webm', 25.0) as video:
        for one in found:
            video(one)
    np.testing.assert_allclose(read_all(tmp_path / 'a_faces.webm')[1][-1], expected[-1], atol=0.03)


def test_faces_are_followed_and_their_probabilities_smoothed(clip):
    found = list(predictor().video(clip, smooth=0.3))
    assert [one.frame for one in found] == list(range(24)) and found[0].source == str(clip)
    left = [next(face for face in one.faces if face.y < 50) for one in found]
    assert {face.track for face in left} == {0}
    right = [[face.track for face in one.faces if face.y > 50] for one in found]
    assert right == [[1]] * 8 + [[]] * 4 + [[1]] * 12  # away for 0.4 s
    assert left[0].smoothed == left[0].probabilities
    raw = [face.probabilities['green'] for face in left]
    smoothed = [face.smoothed['green'] for face in left]
    assert raw[11] < 0.2 and raw[12] > 0.7  # at once
    assert all(a < b for a, b in itertools.pairwise(smoothed[11:24])) and smoothed[12] < 0.4
    expected = raw[11] + (1 - np.exp(-1 / 12.5 / 0.3)) * (raw[12] - raw[11])
    assert smoothed[12] == pytest.approx(expected, abs=0.02)
    assert [left[i].expression for i in (11, 12, 23)] == ['red', 'red', 'green']
    assert left[12].confidence == left[12].smoothed['red']


def test_without_smoothing_each_frame_counts(clip):
    for one in predictor().video(clip, smooth=0):
        assert all(face.smoothed == face.probabilities for face in one.faces)


def test_a_longer_absence_begins_anew():
    stream = predictor().stream('camera')
    image = scene(('red', 10, 10, 40))
    other = scene(('green', 10, 10, 40))
    assert stream(image, 0.0).faces[0].track == 0
    assert stream(np.zeros_like(image), 0.3).faces == ()
    face = stream(other, 0.9).faces[0]
    assert face.track == 1 and face.smoothed == face.probabilities
    assert stream(other, 1.0).frame == 3 and stream(other, 1.1).source == 'camera'


def test_batches_do_not_change_a_video(clip):
    one, other = (list(predictor(batch_size=size).video(clip)) for size in (1, 7))
    assert one == other


def test_a_video_that_breaks_off_says_so(clip, tmp_path):
    path = write_video(tmp_path / 'long.avi', [scene(('red', 10, 10, 40))] * 100, rate=10.0, code='MJPG')
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 5])
    *frames, last = read_video(path)
    assert 20 < len(frames) < 60 and all(frame.image is not None for frame in frames)
    assert last.image is None and 'long.avi ends at' in last.error and 'of 10.0 s' in last.error


def test_what_is_no_video(tmp_path):
    (tmp_path / 'notes.mp4').write_text('hello')
    with pytest.raises(UnreadableImageError, match=r'notes\.mp4 cannot be read as a video'):
        list(predictor().video(tmp_path / 'notes.mp4'))
    with pytest.raises(MissingFileError, match=r'gone\.mp4 does not exist'):
        list(predictor().video(tmp_path / 'gone.mp4'))


def predictions(times, size=(64, 48)) -> list[Prediction]:
    images = [np.full((size[1], size[0], 3), 10 * i, np.uint8) for i in range(len(times))]
    frames = [Frame('clip.mp4', i, time, image) for i, (time, image) in enumerate(zip(times, images))]
    return [Prediction(f.source, f.number, f.time, size, (), None, f.image) for f in frames]


def test_an_annotated_video_keeps_the_times(tmp_path):
    """Frames at 0, 0.1, 0.5 and 0.6 s at 10 a second: the second one stays until the third."""
    with PictureFolder(tmp_path).video('clip.mp4', 10.0) as video:
        for prediction in predictions([0.0, 0.1, 0.5, 0.6]):
            video(prediction)
        assert [path.name for path in tmp_path.glob('*.webm') if path.name[0] != '.'] == []
    images, times = read_all(tmp_path / 'clip_faces.webm')
    np.testing.assert_allclose(times, np.arange(7) / 10, atol=2e-3)
    levels = [round(image.mean() / 10) for image in images]
    assert levels == [0, 1, 1, 1, 1, 2, 3]


@pytest.mark.parametrize('start', [0.0, 100.0])
def test_frames_too_many_for_the_rate_are_left_out(tmp_path, start):
    with PictureFolder(tmp_path).video('clip.mp4', 10.0) as video:
        for prediction in predictions(list(start + np.arange(20) / 20)):
            video(prediction)
    assert len(read_all(tmp_path / 'clip_faces.webm')[0]) in (10, 11)


def test_odd_sizes_and_what_breaks_off(tmp_path):
    with PictureFolder(tmp_path).video('odd.avi', 10.0) as video:
        for prediction in predictions([0.0, 0.1], (65, 47)):
            video(prediction)
    assert read_all(tmp_path / 'odd_faces.webm')[0][0].shape == (46, 64, 3)
    with pytest.raises(RuntimeError), PictureFolder(tmp_path).video('bad.avi', 10.0) as video:
        video(predictions([0.0])[0])
        raise RuntimeError
    assert sorted(path.name for path in tmp_path.iterdir()) == ['odd_faces.webm']


def test_pictures_of_one_name_do_not_meet(tmp_path):
    pictures = PictureFolder(tmp_path / 'new')
    image = scene(('red', 10, 10, 40))
    for folder in ('a', 'b'):
        pictures.image(Prediction(f'{folder}/face.png', 0, None, (160, 120), (), None, image))
    pictures.image(Prediction('broken.png', 0, None, (0, 0), (), 'broken'))
    assert sorted(path.name for path in (tmp_path / 'new').iterdir()) == [
        'face_faces.jpg',
        'face_faces_2.jpg',
    ]
    drawn = cv2.imread(str(tmp_path / 'new/face_faces.jpg'))
    assert drawn.shape == image.shape
