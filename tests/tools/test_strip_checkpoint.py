"""Trained models for a process that knows MMPretrain alone."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import REPO
from mmcv.transforms import Compose
from mmengine.config import Config, ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain import ImageClassificationInferencer
from mmpretrain.registry import MODELS, TRANSFORMS
from PIL import Image

from dacl_mm.cli import strip_checkpoint
from dacl_mm.cli.run import run
from dacl_mm.engine.checkpoint.stock import to_stock
from dacl_mm.engine.checkpoint.training_only import training_only
from dacl_mm.engine.fast import set_fast
from dacl_mm.errors import UserError

CLASSES = ('neutral', 'happiness', 'sadness', 'surprise', 'fear', 'anger', 'disgust')
#: MMPretrain without this package: its import would fail.
STOCK = """
import sys
sys.modules['dacl_mm'] = None
from pathlib import Path
import torch
from mmpretrain import ImageClassificationInferencer
folder = Path(sys.argv[1])
images = torch.load(folder / 'images.pt')
found = {}
for path in sorted(folder.glob('*/stripped.pth')):
    inferencer = ImageClassificationInferencer(str(path.with_suffix('.py')), pretrained=str(path))
    with torch.no_grad():
        logits = inferencer.model(images)
    (result,) = inferencer(str(folder / 'face.png'))
    parts = [type(part).__name__ for part in inferencer.model.children()]
    scores = torch.as_tensor(result['pred_scores'])
    found[path.parent.name] = dict(logits=logits, scores=scores, name=result['pred_class'], parts=parts)
torch.save(found, folder / 'found.pt')
assert not [name for name in sys.modules if name.startswith('dacl_mm.')]
"""


def trained(config: str, options: dict = {}, **head) -> tuple[Config, torch.nn.Module, dict]:
    """Return the config, a model with weights of its own and the checkpoint of a training."""
    init_default_scope('mmpretrain')
    cfg = Config.fromfile(REPO / 'configs' / f'{config}.py')
    cfg.merge_from_dict(options)
    cfg.model.head = ConfigDict(head if 'type' in head else cfg.model.head | head)
    cfg.model.backbone.init_cfg = None
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor}).eval()
    for name, value in model.backbone.named_buffers():
        if name.endswith('running_var'):
            value.uniform_(0.2, 0.5)
    meta = dict(epoch=3, cfg=cfg.pretty_text, dataset_meta=dict(classes=CLASSES))
    checkpoint = dict(meta=meta, state_dict=model.state_dict(), optimizer=dict(state={}), message_hub={})
    return cfg, model, checkpoint


SMALL = dict(feat_size=2, attention=dict(type='DACLAttention', hidden_channels=(16, 8)))
MODELS_OF = dict(
    softmax=('softmax_r18_folder', {}), center=('center_r18_folder', {}), dacl=('dacl_r18_synthetic', SMALL)
)
WIDTHS = dict(num_classes=7, in_channels=512)
#: Heads that predict by a linear classifier; those of the map come without a neck.
LINEAR = dict(
    ratio=dict(type='AttentiveCenterHead', centers=dict(type='RatioCenters')),
    precision=dict(type='AttentiveCenterHead', centers=dict(type='GaussianCenters')),
    eac=dict(type='FlipConsistencyHead'),
    mek=dict(type='FlipConsistencyHead', balanced=True),
    variance=dict(type='VarianceHead'),
    dropout=dict(type='DropoutLinearHead'),
)


def strip(monkeypatch, *args: object) -> None:
    monkeypatch.setattr(sys, 'argv', ['strip_checkpoint.py', *map(str, args)])
    run(strip_checkpoint.main)


def test_mmpretrain_alone_gives_equal_logits(tmp_path, monkeypatch):
    images = torch.randn(3, 3, 64, 64)
    torch.save(images, tmp_path / 'images.pt')
    pixels = np.random.default_rng(0).integers(0, 255, (90, 70, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / 'face.png')
    expected = {}
    for name, (config, head) in MODELS_OF.items():
        cfg, model, checkpoint = trained(config, **head)
        (tmp_path / name).mkdir()
        torch.save(checkpoint, tmp_path / name / 'trained.pth')
        strip(monkeypatch, tmp_path / name / 'trained.pth', tmp_path / name / 'stripped.pth')
        model._config, model._dataset_meta = cfg, dict(classes=CLASSES)
        (result,) = ImageClassificationInferencer(model)(str(tmp_path / 'face.png'))
        with torch.no_grad():
            expected[name] = model(images), torch.as_tensor(result['pred_scores']), result['pred_class']
    command = [sys.executable, '-c', STOCK, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and 'do not match' not in done.stdout + done.stderr, done.stderr
    found = torch.load(tmp_path / 'found.pt')
    assert found.keys() == MODELS_OF.keys()
    for name, (logits, scores, label) in expected.items():
        assert logits.std(0).max() > 0.01  # they tell images apart
        assert found[name]['parts'][1:] == ['ResNet', 'GlobalAveragePooling', 'LinearClsHead']
        torch.testing.assert_close(found[name]['logits'], logits, rtol=0, atol=1e-6)
        torch.testing.assert_close(found[name]['scores'], scores, rtol=0, atol=1e-6)
        assert found[name]['name'] == label
        assert (tmp_path / name / 'stripped.pth').stat().st_size < 45e6
        stripped = torch.load(tmp_path / name / 'stripped.pth', weights_only=True)
        assert stripped['meta'] == dict(epoch=3, dataset_meta=dict(classes=CLASSES))
        assert not [key for key in stripped['state_dict'] if 'attention' in key or 'center' in key]


@pytest.mark.parametrize('name', LINEAR)
def test_heads_with_a_linear_prediction_become_one(name):
    neck = dict(type='GlobalAveragePooling') if name in ('variance', 'dropout') else None
    options = {'model.neck': neck, 'model.type': 'FlipViewClassifier'}
    _, model, checkpoint = trained('softmax_r18_folder', options, **WIDTHS | LINEAR[name])
    left_out = training_only(model)  # as the best checkpoint leaves it out
    for key in [key for key in checkpoint['state_dict'] if key.startswith(left_out)]:
        del checkpoint['state_dict'][key]
    stripped, stock = to_stock(checkpoint, 'x.pth')
    assert (stock.model.type, stock.model.head.type) == ('ImageClassifier', 'LinearClsHead')
    twin = MODELS.build(stock.model).eval()
    twin.load_state_dict(stripped['state_dict'])
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        logits = model(images)
        torch.testing.assert_close(twin(images), logits, rtol=0, atol=1e-6)
    assert logits.std(0).max() > 0.005


@pytest.mark.parametrize('by', ['centers', 'both'])
def test_a_head_that_predicts_by_its_centers_is_none(by):
    head = WIDTHS | LINEAR['ratio'] | dict(predict_by=by)
    _, _, checkpoint = trained('softmax_r18_folder', {'model.neck': None}, **head)
    with pytest.raises(UserError, match=r'AttentiveCenterHead, which MMPretrain lacks.*linear classifier'):
        to_stock(checkpoint, 'x.pth')


def test_what_was_trained_on_grey_images_stays_grey():
    """MMPretrain's transform for it rounds down: a level less at some."""
    cfg, _, checkpoint = trained('softmax_r18_ferplus')
    pipeline = cfg.test_dataloader.dataset.pipeline
    pipeline[0] = dict(type='LoadFace', grey=True)
    checkpoint['meta']['cfg'] = cfg.pretty_text
    _, stock = to_stock(checkpoint, 'a.pth')
    bgr = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    found = [
        Compose([TRANSFORMS.build(part) for part in parts])(dict(img=bgr))['img'].astype(int)
        for parts in (pipeline[:1], stock.test_dataloader.dataset.pipeline[1:2])
    ]
    assert found[0].shape == found[1].shape and abs(found[0] - found[1]).max() <= 1


@pytest.mark.parametrize('kind', ['ArcFaceClsHead', 'FloatArcFaceHead'])
def test_a_head_of_mmpretrain_stays_or_becomes_what_it_is(kind):
    arcface = dict(type=kind, num_classes=7, in_channels=512)
    _, model, checkpoint = trained('softmax_r18_folder', **arcface, loss=dict(type='FocalLoss'))
    stripped, stock = to_stock(checkpoint, 'x.pth')
    twin = MODELS.build(stock.model).eval()
    twin.load_state_dict(stripped['state_dict'])
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(twin(images), model(images))
    assert type(twin.head).__name__ == 'ArcFaceClsHead'


def edited(key: str, value: object) -> dict:
    """Return a checkpoint whose config differs in one value."""
    cfg, _, checkpoint = trained('softmax_r18_folder')
    cfg.merge_from_dict({key: value})
    checkpoint['meta']['cfg'] = cfg.pretty_text
    return checkpoint


@MODELS.register_module()
class HeadOfSomebody(torch.nn.Linear):
    """A head that MMPretrain does not know."""


@pytest.mark.parametrize(
    ('key', 'value', 'message'),
    [
        ('model.head.type', 'HeadOfSomebody', 'was trained with HeadOfSomebody, which MMPretrain lacks'),
        ('model.backbone.type', 'Unheard', 'was trained with Unheard, which MMPretrain lacks'),
        ('model.head.type', 'DACLHead', 'has a GlobalAveragePooling before its DACLHead'),
        ('model.head.num_classes', 5, r'weights do not fit .*head\.fc\.weight'),
        ('model.type', 'TimmClassifier', 'lacks an ImageClassifier'),
        ('test_dataloader', None, 'or a test_dataloader'),
        ('test_dataloader.dataset.pipeline.1', dict(type='RandomFiveCrop'), 'RandomFiveCrop, which MMP'),
    ],
)
def test_what_mmpretrain_lacks_is_named(key, value, message):
    with pytest.raises(UserError, match=rf'(?s)x\.pth.*{message}'):
        to_stock(edited(key, value), 'x.pth')


def test_code_in_the_config_is_not_executed(tmp_path):
    checkpoint = dict(meta=dict(cfg=f'model = open({str(tmp_path / "executed")!r}, "w")'), state_dict={})
    with pytest.raises(UserError, match=r'x\.pth: the config that it holds cannot be read'):
        to_stock(checkpoint, 'x.pth')
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize('config', ['softmax_r18_folder', 'dacl_r18_synthetic'])
def test_transforms_on_the_device_come_back_to_the_pipeline(config):
    cfg, _, checkpoint = trained(config, **(SMALL if config.startswith('dacl') else {}))
    _, stock = to_stock(checkpoint, 'x.pth')
    set_fast(cfg)
    assert cfg.data_preprocessor.type == 'BatchPreprocessor'
    checkpoint['meta']['cfg'] = cfg.pretty_text
    _, fast = to_stock(checkpoint, 'x.pth')
    assert fast.to_dict() == stock.to_dict()
    assert 'CenterCrop' in fast.pretty_text and 'PackInputs' in fast.pretty_text


def test_data_sets_inside_wrappers_have_the_pipeline():
    cfg, _, checkpoint = trained('softmax_r18_folder')
    dataset = cfg.test_dataloader.dataset
    cfg.test_dataloader.dataset = ConfigDict(type='RepeatDataset', times=2, dataset=dataset)
    checkpoint['meta']['cfg'] = cfg.pretty_text
    _, stock = to_stock(checkpoint, 'x.pth')
    types = [transform.type for transform in stock.test_dataloader.dataset.pipeline]
    assert types == ['LoadImageFromFile', 'ResizeEdge', 'CenterCrop', 'PackInputs']


@pytest.mark.parametrize(
    ('content', 'destination', 'message'),
    [
        (b'text', 'y.pth', 'x.pth is damaged or no checkpoint'),
        (dict(state_dict={}), 'y.pth', 'holds no weights with the config of their training'),
        (dict(epoch=1, model_state_dict={}), 'y.pth', 'holds no weights with the config of their training'),
        (dict(state_dict={}), 'x.pth', 'is the source'),
        (dict(state_dict={}), 'mine.pth', 'mine.py is there already'),
        (dict(state_dict={}), 'y.onnx', 'DST must end in .pth'),
    ],
)
def test_mistakes_leave_every_file_alone(tmp_path, monkeypatch, capsys, content, destination, message):
    source = tmp_path / 'x.pth'
    source.write_bytes(content) if isinstance(content, bytes) else torch.save(content, source)
    (tmp_path / 'mine.py').write_text('x = 1\n')
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(SystemExit) as ended:
        strip(monkeypatch, source, tmp_path / destination)
    assert ended.value.code == 2 and message in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
