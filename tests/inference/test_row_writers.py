"""Rows in files."""

import csv
import io
import json

import pytest
from squares import predictor, scene, write_video

from dacl_mm.errors import FileError, UserError
from dacl_mm.inference.results import COLUMNS, Face, Prediction
from dacl_mm.inference.writers import RowWriter, check_name, row_file

CLASSES = ('red', 'green', 'blue')
POINTS = ((1.0, 2.0), (3.0, 4.5), (5.0, 6.0), (7.0, 8.0), (9.0, 10.0))
FACE = Face('a.png', 0, None, 0, None, 1.25, 2.5, 30.0, 31.0, POINTS, 'red', 0.7,
            dict(red=0.7, green=0.2, blue=0.1))  # fmt: skip
NONE, BROKEN = (
    Prediction(f'{name}.png', 0, None, (9, 9), (), error) for name, error in (('b', None), ('c', 'x'))
)


def written(predictions, as_csv: bool, smoothed: bool = False, classes=CLASSES) -> list[dict]:
    file = io.BytesIO()
    write = RowWriter(file, classes, smoothed, as_csv)
    for prediction in predictions:
        write(prediction)
    text = file.getvalue().decode()
    if as_csv:
        return list(csv.DictReader(io.StringIO(text)))
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize('as_csv', [True, False])
def test_a_row_a_face_and_one_where_there_is_none(as_csv):
    one = Prediction('a.png', 0, None, (99, 99), (FACE,))
    face, none, broken = written([one, NONE, BROKEN], as_csv)
    assert list(face) == list(none) == [*COLUMNS, *CLASSES]
    assert float(face['red']) == 0.7 and float(face['x']) == 1.25 and face['expression'] == 'red'
    assert face['landmarks'] == (
        '1.0 2.0 3.0 4.5 5.0 6.0 7.0 8.0 9.0 10.0' if as_csv else [*map(list, POINTS)]
    )
    assert none['expression'] == 'no face' and broken['expression'] == 'unreadable'
    empty = '' if as_csv else None
    assert all(none[name] == empty for name in ('face', 'track', 'x', 'confidence', 'red', 'time'))
    assert (none['source'], str(none['frame'])) == ('b.png', '0')


def test_rows_of_a_video_have_smoothed_columns(tmp_path):
    images = [scene(('red', 20, 20, 40))] * 2 + [scene(('green', 20, 20, 40))] * 2
    predictions = list(predictor().video(write_video(tmp_path / 'a.webm', images)))
    rows = written(predictions, as_csv=False, smoothed=True)
    assert [*rows[0]] == [*COLUMNS, *CLASSES, *(f'smoothed_{name}' for name in CLASSES)]
    for prediction, row in zip(predictions, rows, strict=True):
        (face,) = prediction.faces
        assert row['green'] == pytest.approx(face.probabilities['green'], abs=1e-6)
        assert row['smoothed_green'] == pytest.approx(face.smoothed['green'], abs=1e-6)
        assert row['time'] == pytest.approx(prediction.time) and row['track'] == 0


def test_a_class_of_a_columns_name_has_its_own():
    face = Face('a', 0, None, 0, None, 5.0, 0, 1, 1, None, 'x', 0.9, dict(x=0.9, face=0.1))
    (row,) = written([Prediction('a', 0, None, (9, 9), (face,))], False, classes=('x', 'face'))
    assert (row['x'], row['class_x'], row['face'], row['class_face']) == (5.0, 0.9, 0, 0.1)


@pytest.mark.promise(
    'Security', 'the name of a photograph holds a formula, a line break or no text', 'rows stay whole'
)
def test_names_of_files_may_be_anything():
    names = ['=cmd()', 'a\nb,"c"', 'na\udcffme', '\x1b[31m']
    predictions = [Prediction(name, 0, None, (9, 9), ()) for name in names]
    assert [row['source'] for row in written(predictions, True)] == [
        "'=cmd()",
        'a\nb,"c"',
        'na\\udcffme',
        '\x1b[31m',
    ]
    assert [row['source'] for row in written(predictions, False)] == names


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'rows.csv'
    with pytest.raises(RuntimeError), row_file(path, CLASSES, False, endless=False) as write:
        write(NONE)
        raise RuntimeError
    assert list(path.parent.iterdir()) == []
    with row_file(path, CLASSES, False, endless=False) as write:
        write(NONE)
        assert not path.exists() and write.rows == 1
    assert len(path.read_text().splitlines()) == 2


def test_rows_of_an_endless_source_are_there_at_once(tmp_path):
    path = tmp_path / 'rows.jsonl'
    with row_file(path, CLASSES, False, endless=True) as write:
        for count in (1, 2, 3):
            write(NONE)
            assert path.read_text().count('\n') == count and path.read_text().endswith('}\n')


@pytest.mark.parametrize('endless', [True, False])
def test_a_file_that_cannot_be_written(tmp_path, endless):
    (tmp_path / 'rows.csv').mkdir()
    with (
        pytest.raises(FileError, match=r'rows\.csv was not written'),
        row_file(tmp_path / 'rows.csv', CLASSES, False, endless) as write,
    ):
        write(NONE)


def test_the_name_tells_the_format(tmp_path):
    check_name(tmp_path / 'a.CSV')
    with pytest.raises(UserError, match=r'must end in \.csv or \.jsonl'):
        check_name(tmp_path / 'a.xlsx')
