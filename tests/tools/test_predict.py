"""tools/predict.py from end to end, with a small network on embedded faces that are crops already."""

import csv
import json
import os
import pty
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import numpy as np
import pytest
from conftest import REPO, run_tool
from networks import small_config, write_checkpoint
from PIL import Image
from squares import write_video

from dacl_mm.cli import predict
from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.inference import Predictor
from dacl_mm.inference.results import COLUMNS

NAMES = ('fear', 'happiness', 'anger')


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('model') / 'small.pth', small_config())


@pytest.fixture(scope='module')
def photos(tmp_path_factory):
    """Three faces, a damaged one, and a video."""
    folder = tmp_path_factory.mktemp('photos')
    for i, name in enumerate(NAMES):
        Image.fromarray(draw_face(name, i, 80)[..., ::-1]).save(folder / f'{i}.png')
    (folder / '1b.png').write_bytes((folder / '1.png').read_bytes()[:900])
    images = [draw_face('fear' if i < 5 else 'anger', 3, 96)[..., ::-1] for i in range(10)]
    write_video(folder / 'clip.webm', images)
    return folder


def rows_of(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_folder_with_a_damaged_file_and_a_video(model, photos, tmp_path):
    out, pictures = tmp_path / 'new' / 'rows.csv', tmp_path / 'pictures'
    options = ['--model', model, '--faces', 'crop', '--out', out, '--draw', pictures, '--batch-size', 2]
    done = run_tool('predict', photos, *options, check=False)
    assert done.returncode == 1, done.stderr
    assert '1b.png cannot be read as an image: image file is truncated' in done.stderr
    assert 'Traceback' not in done.stderr
    assert f'13 images or frames, 13 faces; 1 unreadable; rows: {out}' in done.stdout
    rows = rows_of(out)
    assert [*rows[0]] == [*COLUMNS, *PAPER_CLASSES, *(f'smoothed_{name}' for name in PAPER_CLASSES)]
    assert [row['source'].rpartition('/')[2] for row in rows] == [
        '0.png',
        '1.png',
        '1b.png',
        '2.png',
        *['clip.webm'] * 10,
    ]
    assert rows[2]['expression'] == 'unreadable' and rows[2]['confidence'] == ''
    predictor = Predictor(model, faces='crop')
    expected = predictor([photos / f'{i}.png' for i in range(3)])
    for row, prediction in zip([rows[0], rows[1], rows[3]], expected):
        (face,) = prediction.faces
        assert row['expression'] == face.expression and row['smoothed_fear'] == ''
        found = [float(row[name]) for name in PAPER_CLASSES]
        np.testing.assert_allclose(found, [*face.probabilities.values()], atol=1e-5)
    times = [float(row['time']) for row in rows[4:]]
    np.testing.assert_allclose(times, np.arange(10) / 25, atol=2e-3)
    assert {row['track'] for row in rows[4:]} == {'0'}
    drawn = sorted(path.name for path in pictures.iterdir())
    assert drawn == ['0_faces.jpg', '1_faces.jpg', '2_faces.jpg', 'clip_faces.webm']


def test_without_files_it_says_what_it_sees(model, photos):
    done = run_tool('predict', photos / '0.png', photos / 'clip.webm', '--model', model, '--faces', 'crop')
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f'{photos}/0.png: ') and lines[0].endswith('%, 80 x 80 px at 0, 0')
    assert lines[1] == f'{photos}/clip.webm: 10 frames, 0 without a face; faces followed: 1'
    quiet = ['--model', model, '--faces', 'crop', '--quiet']
    done = run_tool('predict', photos / '0.png', *quiet)
    assert done.stdout == '' and done.stderr == ''


MISTAKES = {
    'no such file': (['gone.jpg'], 'gone.jpg does not exist'),
    'no such model': (['0.png', '--model', 'nobody'], 'there is no model nobody'),
    'no such config': (['0.png', '--config', 'nothing.py'], 'config nothing.py does not exist'),
    'no such format': (['0.png', '--out', 'rows.txt'], 'must end in .csv or .jsonl'),
    'no such detector': (['0.png', '--faces', 'detect', '--detector', 'eyes'], 'eyes'),
    'no such device': (['0.png', '--device', 'cuda:99'], 'the device cuda:99 cannot be used'),
    'no batch': (['0.png', '--batch-size', '0'], 'batch_size is 0'),
    'no probability': (['0.png', '--unsure', '2'], 'unsure is 2.0'),
    'no screen': (['0.png', '--show'], '--show needs a screen'),
    'a list and more': (['-', '0.png'], '- stands alone'),
    'back in time': (['0.png', '--smooth', '-1'], '--smooth must not be negative'),
    'no folder': (['0.png', '--draw', '0.png'], '0.png cannot be made a folder'),
}


@pytest.mark.parametrize('mistake', MISTAKES)
def test_mistakes_end_with_status_2_and_leave_nothing(model, photos, tmp_path, mistake):
    args, message = MISTAKES[mistake]
    (tmp_path / '0.png').write_bytes((photos / '0.png').read_bytes())
    env = {key: value for key, value in os.environ.items() if key not in ('DISPLAY', 'WAYLAND_DISPLAY')}
    defaults = ['--model', model] if '--model' not in args else []
    crop = ['--faces', 'crop'] if '--faces' not in args else []
    done = run_tool('predict', *defaults, *crop, *args, check=False, cwd=tmp_path, env=env)
    assert done.returncode == 2 and message in done.stderr and 'Traceback' not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ['0.png']


def start(model, out, **options) -> subprocess.Popen:
    command = [
        sys.executable,
        REPO / 'tools/predict.py',
        '-',
        '--model',
        model,
        '--faces',
        'crop',
        '--out',
        out,
    ]
    return subprocess.Popen([*command, '--batch-size', '1'], stdin=subprocess.PIPE, **options)


def read_terminal(terminal: int, seen: list[bytes]) -> None:
    """Read what a terminal is shown, until no process holds its other end."""
    with open(terminal, 'rb', buffering=0) as file, suppress(OSError):
        while data := file.read(4096):
            seen.append(data)


def test_a_list_on_the_standard_input_is_answered_line_by_line(model, photos, tmp_path):
    """While the list goes on, though nobody reads the standard output; Ctrl-C keeps complete lines."""
    out = tmp_path / 'rows.jsonl'
    terminal, end = pty.openpty()
    seen: list[bytes] = []
    reader = threading.Thread(target=read_terminal, args=(terminal, seen), daemon=True)
    reader.start()
    with start(model, out, stderr=end, stdout=subprocess.PIPE) as process:
        process.stdout.close()
        process.stdin.write(os.fsencode(f'{photos}/0.png\n{tmp_path}/gone.png\n'))
        process.stdin.flush()
        deadline = time.monotonic() + 120
        while not (out.exists() and out.read_text().count('\n') == 2) and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    os.close(end)
    assert process.returncode == 130
    first, second = map(json.loads, out.read_text().splitlines())
    assert first['expression'] in PAPER_CLASSES and second['expression'] == 'unreadable'
    reader.join()
    shown = b''.join(seen).decode()
    assert 'images' in shown and 'gone.png' in shown  # a bar, and what went wrong
    assert 'Traceback' not in shown and 'BrokenPipe' not in shown


def test_ctrl_c_keeps_the_rows_of_a_file(model, photos, tmp_path, monkeypatch):
    def interrupted(predictor, sources, outputs, smooth):
        outputs(predictor(photos / '0.png'))
        raise KeyboardInterrupt

    monkeypatch.setattr(predict, 'predict_sources', interrupted)
    out = tmp_path / 'rows.csv'
    args = ['predict', photos, '--model', model, '--faces', 'crop', '--out', out]
    monkeypatch.setattr(sys, 'argv', [str(arg) for arg in args])
    with pytest.raises(KeyboardInterrupt):
        predict.main()
    assert len(rows_of(out)) == 1


MEMORY = """
import resource, sys
from dacl_mm.inference import Predictor
predict = Predictor(sys.argv[1], faces='crop')
follow = predict.video(sys.argv[2])
for i, prediction in enumerate(follow):
    if i in (400, int(sys.argv[3]) - 1):
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_a_long_video_takes_no_more_memory_than_a_short_one(model, tmp_path):
    """4,000 frames of 640 x 360; all of them decoded would take 2.8 GB."""
    faces = [
        np.asarray(Image.fromarray(draw_face(name, 1, 96)[..., ::-1]).resize((640, 360))) for name in NAMES
    ]
    clip = write_video(tmp_path / 'long.avi', [faces[i // 25 % 3] for i in range(4000)], code='MJPG')
    command = [sys.executable, '-c', MEMORY, model, clip, '4000']
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=REPO)
    early, late = map(int, done.stdout.split())
    assert late - early < 30_000, f'{early:,} kB after 400 frames, {late:,} kB after 4,000'
