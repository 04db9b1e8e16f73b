"""What a user may name."""

import io

import pytest

from dacl_mm.errors import MissingFileError, UserError
from dacl_mm.inference.sources import Source, find_sources, listed_sources


@pytest.fixture
def folder(tmp_path):
    for name in ('b.JPG', 'a.png', 'notes.txt', 'sub/c.webp', 'sub/clip.MP4', '.hidden/d.png', '.e.png'):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(sources, folder) -> list[tuple[str, str]]:
    return [(source.kind, source.name.removeprefix(f'{folder}/')) for source in sources]


def test_a_folder_and_what_is_below(folder):
    found = names(find_sources([str(folder)]), folder)
    assert found == [
        ('image', 'a.png'),
        ('image', 'b.JPG'),
        ('image', 'sub/c.webp'),
        ('video', 'sub/clip.MP4'),
    ]


def test_patterns_files_and_cameras_in_their_order(folder):
    (folder / 'f[1].png').touch()  # a name that looks like a pattern
    given = ['webcam:2', f'{folder}/**/*.web?', f'{folder}/f[1].png', f'{folder}/notes.txt', 'webcam']
    found = names(find_sources(given), folder)
    assert found[1:4] == [('image', 'sub/c.webp'), ('image', 'f[1].png'), ('image', 'notes.txt')]
    assert find_sources(given)[0] == Source('camera', 'webcam:2', 2)
    assert find_sources(given)[4] == Source('camera', 'webcam:0', 0)


@pytest.mark.parametrize(
    'name, message',
    [
        ('gone.jpg', 'gone.jpg does not exist: say an image'),
        ('webcam:x', 'does not exist'),
        ('*.xyz', 'no file matches'),
        ('empty', 'holds no images or videos'),
    ],
)
def test_nothing_is_named(tmp_path, name, message):
    (tmp_path / 'empty').mkdir()
    with pytest.raises(MissingFileError, match=message):
        find_sources([name if ':' in name else f'{tmp_path}/{name}'])


def test_a_device_is_no_file():
    with pytest.raises(UserError, match='neither a file nor a folder'):
        find_sources(['/dev/null'])


def test_a_list_is_read_as_it_comes(folder):
    lines = iter(['a b.png\n', '\n', 'clip.mkv\r\n', 'last.jpg'])
    listed = listed_sources(lines)
    assert next(listed) == Source('image', 'a b.png')
    assert next(lines) == '\n'  # nothing was read ahead
    assert list(listed) == [Source('video', 'clip.mkv'), Source('image', 'last.jpg')]
    assert list(listed_sources(io.StringIO(''))) == []
