"""Images in, faces out: with squares in the place of faces."""

import io

import numpy as np
import pytest
from PIL import Image
from squares import COLORS, ByColor, predictor, scene

from dacl_mm.datasets.images import to_bgr
from dacl_mm.errors import MissingFileError, UnreadableImageError, UserError
from dacl_mm.inference import Predictor
from dacl_mm.inference.frames import HELD, batched, read_frame

TWO = scene(('green', 90, 20, 40), ('red', 10, 30, 30))


def test_faces_of_an_array_from_the_left_to_the_right():
    found = predictor()(TWO)
    assert [face.expression for face in found.faces] == ['red', 'green']
    red = found.faces[0]
    assert (red.x, red.y, red.width, red.height) == (10, 30, 30, 30)
    assert (red.face, red.track, red.time, red.smoothed) == (0, None, None, None)
    assert red.confidence == max(red.probabilities.values()) > 0.6
    assert found.size == (160, 120) and found.error is None


def test_path_picture_and_array_are_the_same(tmp_path):
    Image.fromarray(TWO).save(tmp_path / 'two.png')
    predict = predictor()
    by_path, by_text, by_picture, by_array = predict(
        [tmp_path / 'two.png', str(tmp_path / 'two.png'), Image.fromarray(TWO), TWO]
    )
    assert [face.probabilities for face in by_path.faces] == [face.probabilities for face in by_array.faces]
    assert by_path == by_text == predict(tmp_path / 'two.png')
    assert by_path.source.endswith('two.png') and by_picture.source == 'image 2'


def test_batches_do_not_change_results(tmp_path):
    images = [
        scene(*[(name, 5 + 50 * i, 10, 20 + i) for i, name in enumerate(COLORS)][:n]) for n in (2, 0, 3, 1)
    ]
    found = [predictor(batch_size=size)(images) for size in (1, 2, 5, 64)]
    assert all(one == found[0] for one in found)
    assert [len(one.faces) for one in found[0]] == [2, 0, 3, 1]
    small = predictor(batch_size=2)
    small(images)
    assert max(small.classifier.batches) == 2 and sum(small.classifier.batches) == 6


def test_small_faces_are_left_out():
    assert [face.width for face in predictor(min_face=35)(TWO).faces] == [40]


@pytest.mark.parametrize('unsure, shown', [(None, 'unsure'), (0.4, 'red'), (0.0, 'red'), (0.95, 'unsure')])
def test_unsure_below_the_threshold(unsure, shown):
    image = scene(('red', 10, 10, 40))
    image[10:50, 10:50] = (90, 60, 50)  # the network's own threshold is 0.5
    found = Predictor(ByColor(), faces='crop', unsure=unsure)(image[10:50, 10:50])
    assert found.faces[0].expression == shown and found.faces[0].confidence == pytest.approx(0.45)


def test_a_crop_is_a_face():
    for options in (dict(faces='crop'), dict(detector='none')):
        (face,) = Predictor(ByColor(), **options)(scene(('red', 0, 0, 120))).faces
        assert (face.x, face.y, face.width, face.height) == (0, 0, 160, 120) and face.expression == 'red'


@pytest.mark.parametrize(
    'options, message',
    [
        (dict(faces='all'), "faces is 'all'"),
        (dict(batch_size=0), 'batch_size is 0'),
        (dict(unsure=1.2), 'unsure is 1.2'),
        (dict(detector='eyes'), 'eyes'),
    ],
)
def test_options_that_do_not_exist(options, message):
    with pytest.raises(UserError, match=message):
        Predictor(ByColor(), **options)


def test_an_unknown_model_is_named():
    with pytest.raises(MissingFileError, match='there is no model nobody: say a checkpoint file'):
        Predictor('nobody', faces='crop')


@pytest.mark.parametrize('image', [np.zeros((8, 8, 3), np.float32), np.zeros((8, 8, 4), np.uint8), [1, 2]])
def test_arrays_of_another_kind_are_refused(image):
    with pytest.raises(UserError, match=r'expected an RGB image of uint8, \(H, W, 3\)'):
        predictor()([image])


def test_a_damaged_file_among_others_says_so(tmp_path):
    png = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 50, 3), np.uint8)).save(png, 'PNG')
    (tmp_path / 'half.png').write_bytes(png.getvalue()[:3000])
    Image.fromarray(TWO).save(tmp_path / 'two.png')
    predict = predictor()
    broken, gone, whole = predict([tmp_path / 'half.png', tmp_path / 'gone.png', TWO])
    assert 'half.png cannot be read as an image: image file is truncated' in broken.error
    assert broken.faces == () and broken.size == (0, 0) and 'gone.png' in gone.error
    assert len(whole.faces) == 2
    with pytest.raises(UnreadableImageError, match=r'half\.png cannot be read'):
        predict(tmp_path / 'half.png')


UPRIGHT = scene(('red', 10, 10, 30), ('blue', 100, 60, 40))


def saved(tmp_path, picture: Image.Image, name: str, **options) -> np.ndarray:
    picture.save(tmp_path / name, **options)
    frame = read_frame(tmp_path / name)
    assert frame.error is None
    return frame.image


def test_files_of_all_kinds_are_read_upright_as_rgb(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    turned = Image.fromarray(np.rot90(UPRIGHT).copy())
    np.testing.assert_array_equal(saved(tmp_path, turned, 'turned.png', exif=exif), UPRIGHT)
    np.testing.assert_array_equal(saved(tmp_path, Image.fromarray(UPRIGHT), 'plain.png'), UPRIGHT)
    grey = saved(tmp_path, Image.fromarray(UPRIGHT[..., 0]), 'grey.png')
    np.testing.assert_array_equal(grey, np.repeat(UPRIGHT[..., :1], 3, 2))
    deep = saved(tmp_path, Image.fromarray(UPRIGHT[..., 0].astype(np.uint16) * 257), 'deep.png')
    np.testing.assert_array_equal(deep, grey)
    alpha = Image.fromarray(np.dstack([UPRIGHT, np.full((120, 160), 255, np.uint8)]))
    alpha.putpixel((0, 0), (0, 0, 0, 0))
    seen = saved(tmp_path, alpha, 'alpha.png')
    assert tuple(seen[0, 0]) == (255, 255, 255) and (seen[1:] == UPRIGHT[1:]).all()
    assert saved(tmp_path, Image.new('RGB', (1, 1), 'red'), 'tiny.png').shape == (1, 1, 3)


def test_pictures_of_pillow_are_brought_to_rgb():
    np.testing.assert_array_equal(to_bgr(Image.fromarray(UPRIGHT))[..., ::-1], UPRIGHT)
    faces = predictor()(Image.fromarray(UPRIGHT).convert('RGBA')).faces
    assert [face.expression for face in predictor()(UPRIGHT).faces] == ['red', 'blue']
    assert len(faces) == 2


def test_large_images_wait_in_small_company():
    image = np.broadcast_to(np.zeros((1, 1, 3), np.uint8), (4000, 4000, 3))  # 48 MB, were it real
    frames = [read_frame('gone')._replace(image=image)] * 10
    assert [len(batch) for batch in batched(frames, 32)] == [3, 3, 3, 1] and 4 * image.nbytes > HELD
    assert [len(batch) for batch in batched([frames[0]._replace(image=None)] * 70, 32)] == [32, 32, 6]


def test_a_notebook_shows_the_annotated_image(tmp_path):
    Image.fromarray(TWO).save(tmp_path / 'two.png')
    predict = predictor()
    (by_path,), by_array = predict([tmp_path / 'two.png']), predict(TWO)
    assert by_path.image is None  # many files need not stay in memory
    png = by_path._repr_png_()
    assert png == by_array._repr_png_()
    shown = np.asarray(Image.open(io.BytesIO(png)))
    assert shown.shape == TWO.shape and (shown != TWO).any()
    (tmp_path / 'two.png').unlink()
    assert by_path._repr_png_() is None
    assert Image.open(io.BytesIO(predict(np.zeros((50, 4000, 3), np.uint8))._repr_png_())).width == 1024
