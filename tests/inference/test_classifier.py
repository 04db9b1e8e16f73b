"""Networks of checkpoints predict what they were tested with."""

import mmpretrain
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.models.backbones import ResNet
from mmpretrain.registry import MODELS, TRANSFORMS
from networks import small_config, write_checkpoint
from PIL import Image

from dacl_mm.config import load_config, set_options
from dacl_mm.datasets.labels import PAPER_CLASSES
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.engine.fast import set_fast
from dacl_mm.errors import UserError
from dacl_mm.inference import Framing, ModelInfo, TorchClassifier
from dacl_mm.inference.calibration import calibrated

BGR = [draw_face(name, i, size) for i, (name, size) in enumerate([('fear', 90), ('anger', 64), ('fear', 48)])]
RGB = [image[..., ::-1] for image in BGR]


def expected(cfg: Config, checkpoint, folder) -> np.ndarray:
    """Predict one image after the other as a test does, from files."""
    model = MODELS.build(dict(cfg.model) | dict(data_preprocessor=cfg.data_preprocessor)).eval()
    model.load_state_dict(torch.load(checkpoint)['state_dict'])
    pipeline = [TRANSFORMS.build(part) for part in cfg.test_dataloader.dataset.pipeline]
    scores = []
    for i, image in enumerate(BGR):
        path = folder / f'{i}.png'
        Image.fromarray(image[..., ::-1]).save(path)
        results = dict(img_path=str(path), gt_label=0)
        for transform in pipeline:
            results = transform(results)
        batch = dict(inputs=[results['inputs']], data_samples=[results['data_samples']])
        with torch.no_grad():
            scores.append(model.test_step(batch)[0].pred_score.numpy())
    return np.stack(scores)


METHODS = [
    'dacl_r18',
    'center_r18',
    'softmax_r18',
    'eac_r18',
    'scn_r18',
    'rul_r18',
    'lgm_r18',
    'variance_r18',
]


@pytest.mark.parametrize('method', METHODS)
def test_any_method_predicts_as_its_test_does(tmp_path, method):
    cfg = small_config('softmax_r18_rafdb', method)
    cfg.test_dataloader.dataset.pipeline[1].scale = 72
    cfg.test_dataloader.dataset.pipeline[2].crop_size = 64
    path = write_checkpoint(tmp_path / 'a.pth', cfg)
    classifier = TorchClassifier.from_files(None, str(path), 'cpu')
    np.testing.assert_allclose(classifier(RGB), expected(cfg, path, tmp_path), atol=1e-4)
    info = classifier.info
    assert (info.name, info.size, info.classes) == ('a', (64, 64), PAPER_CLASSES)
    assert info.mean == tuple(cfg.data_preprocessor.mean) and info.framing is None


def test_another_backbone_and_size(tmp_path):
    cfg = small_config('softmax_r18h_ferplus')
    path = write_checkpoint(tmp_path / 'a.pth', cfg)
    classifier = TorchClassifier.from_files(None, str(path), 'cpu')
    assert classifier.info.size == (48, 48)
    np.testing.assert_allclose(classifier(RGB), expected(cfg, path, tmp_path), atol=1e-4)


@MODELS.register_module()
class FetchingBackbone(ResNet):
    """Looks for weights elsewhere, as timm's do."""

    def __init__(self, pretrained=False, **kwargs):
        super().__init__(**kwargs)
        assert not pretrained, 'would download'


def test_no_other_weights_are_looked_for(tmp_path):
    cfg = small_config()
    cfg.model.backbone.type = 'FetchingBackbone'
    path = write_checkpoint(tmp_path / 'a.pth', cfg)
    stored = torch.load(path)
    cfg.model.backbone.update(pretrained=True, init_cfg=dict(type='Pretrained', checkpoint='nowhere'))
    stored['meta']['cfg'] = cfg.pretty_text
    torch.save(stored, path)
    assert TorchClassifier.from_files(None, str(path), 'cpu')(RGB).shape == (3, 7)


@pytest.fixture(scope='module')
def tiny(tmp_path_factory):
    cfg = small_config()
    return cfg, write_checkpoint(tmp_path_factory.mktemp('tiny') / 'tiny.pth', cfg)


def test_neighbours_and_order_do_not_matter(tiny):
    classifier = TorchClassifier.from_files(None, str(tiny[1]), 'cpu')
    together, alone = classifier(RGB), np.concatenate([classifier([crop]) for crop in RGB])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(classifier(RGB[::-1])[::-1], together, atol=1e-5)
    assert not np.allclose(together[0], together[1])
    assert together.dtype == np.float32 and classifier([]).shape == (0, 7)
    np.testing.assert_allclose(together.sum(1), 1, atol=1e-5)


def test_mmpretrains_inferencer_says_the_same(tiny):
    cfg, path = tiny
    inferencer = mmpretrain.ImageClassificationInferencer(cfg, pretrained=str(path))
    theirs = [found['pred_scores'] for found in inferencer(BGR)]
    np.testing.assert_allclose(TorchClassifier.from_files(None, str(path))(RGB), theirs, atol=1e-5)


def test_the_stored_description_counts(tiny, tmp_path):
    framing = Framing(((0.3, 0.4),) * 5, ((0.1, 0.1),) * 5, (64, 64))
    classes = tuple('abcdefg')
    info = ModelInfo('shipped', classes, (64, 64), framing=framing, temperature=2.5, unsure=0.3)
    path = write_checkpoint(tmp_path / 'a.pth', tiny[0], inference=info.to_dict())
    classifier = TorchClassifier.from_files(None, str(path), 'cpu')
    assert classifier.info == info
    plain = TorchClassifier.from_files(None, str(tiny[1]), 'cpu')(RGB)
    np.testing.assert_allclose(classifier(RGB), calibrated(plain, 2.5), atol=1e-5)


def test_half_weights_are_computed_with_in_float32(tiny, tmp_path):
    stored = torch.load(tiny[1])
    stored['state_dict'] = {
        k: v.half() if v.is_floating_point() else v for k, v in stored['state_dict'].items()
    }
    torch.save(stored, tmp_path / 'half.pth')
    half = TorchClassifier.from_files(None, str(tmp_path / 'half.pth'), 'cpu')
    whole = TorchClassifier.from_files(None, str(tiny[1]), 'cpu')
    np.testing.assert_allclose(half(RGB), whole(RGB), atol=0.01)
    assert {value.dtype for value in half.model.parameters()} == {torch.float32}


def test_transforms_on_the_device_are_applied(tiny, tmp_path):
    cfg = small_config()
    init_default_scope('mmpretrain')
    set_fast(cfg)
    assert cfg.data_preprocessor.type == 'BatchPreprocessor' and cfg.data_preprocessor.test_pipeline
    path = write_checkpoint(tmp_path / 'fast.pth', cfg)
    fast = TorchClassifier.from_files(None, str(path), 'cpu')
    exact = TorchClassifier.from_files(None, str(tiny[1]), 'cpu')
    np.testing.assert_allclose(fast(RGB), exact(RGB), atol=0.02)
    assert fast.info.size == exact.info.size


def test_a_config_stands_in_for_a_stored_one(tiny, tmp_path):
    cfg, path = tiny
    bare = tmp_path / 'bare.pth'
    torch.save(dict(state_dict=torch.load(path)['state_dict']), bare)
    cfg.dump(tmp_path / 'config.py')
    by_config = TorchClassifier.from_files(str(tmp_path / 'config.py'), str(bare), 'cpu')
    np.testing.assert_array_equal(by_config(RGB), TorchClassifier.from_files(None, str(path), 'cpu')(RGB))
    with pytest.raises(UserError, match='holds no weights with the config'):
        TorchClassifier.from_files(None, str(bare))
    other = load_config('dacl_r18_rafdb')
    set_options(other, {'model.backbone.depth': 34})
    other.dump(tmp_path / 'other.py')
    with pytest.raises(UserError, match='does not fit the model of the config'):
        TorchClassifier.from_files(str(tmp_path / 'other.py'), str(bare))


@pytest.mark.promise('Security', 'the config in a checkpoint names a function to call', 'refused, named')
@pytest.mark.parametrize('name', ['os.system', 'antigravity', 'mmengine.load'])
def test_what_nothing_registers_is_not_called(tiny, tmp_path, name):
    cfg = small_config()
    cfg.model.head.loss = dict(type=name, command=f'touch {tmp_path}/ran')
    stored = torch.load(tiny[1])
    stored['meta']['cfg'] = cfg.pretty_text
    torch.save(stored, tmp_path / 'trap.pth')
    with pytest.raises(UserError, match=f"names '{name}', which nothing registers"):
        TorchClassifier.from_files(None, str(tmp_path / 'trap.pth'))
    assert not (tmp_path / 'ran').exists()


def test_a_full_gpu_is_named(tiny, monkeypatch):
    def full(batch):
        raise torch.OutOfMemoryError('CUDA out of memory')

    classifier = TorchClassifier.from_files(None, str(tiny[1]), 'cpu')
    monkeypatch.setattr(classifier, '_predict', full)
    with pytest.raises(UserError, match='no memory left for 3 faces at a time: lower the batch size'):
        classifier(RGB)


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU')
def test_a_gpu_predicts_the_same(tiny):
    scores = [TorchClassifier.from_files(None, str(tiny[1]), device)(RGB) for device in ('cpu', 'cuda')]
    np.testing.assert_allclose(*scores, atol=5e-3)  # convolutions in TF32


def test_mistakes_are_named(tiny, tmp_path):
    with pytest.raises(UserError, match='the device cuda:77 cannot be used'):
        TorchClassifier.from_files(None, str(tiny[1]), 'cuda:77')
    path = write_checkpoint(tmp_path / 'six.pth', tiny[0], dataset_meta=dict(classes=PAPER_CLASSES[:6]))
    with pytest.raises(UserError, match='the network has 7 outputs, but 6 classes are named'):
        TorchClassifier.from_files(None, str(path), 'cpu')
    cfg = small_config('softmax_r18_rafdb')
    del cfg.test_dataloader.dataset.pipeline[2]  # the crop
    path = write_checkpoint(tmp_path / 'sizes.pth', cfg)
    with pytest.raises(UserError, match='must make images of one size'):
        TorchClassifier.from_files(None, str(path), 'cpu')


@pytest.mark.parametrize('temperature', [0.5, 1.0, 3.0])
def test_temperature_divides_the_logits(temperature):
    logits = np.random.default_rng(0).normal(0, 4, (5, 7))
    logits[0, 0] = -2000  # a probability of zero

    def softmax(values):
        values = np.exp(values - values.max(1, keepdims=True))
        return values / values.sum(1, keepdims=True)

    found = calibrated(softmax(logits).astype(np.float32), temperature)
    np.testing.assert_allclose(found, softmax(logits / temperature), rtol=2e-5, atol=1e-7)
