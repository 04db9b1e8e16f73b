"""The file that a trained model ships as."""

import json
import sys

import numpy as np
import pytest
import torch
from conftest import REPO, run_tool
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from dacl_mm.cli import ship
from dacl_mm.cli.run import run
from dacl_mm.config import load_config, set_options
from dacl_mm.engine.checkpoint.half import to_half
from dacl_mm.engine.held_out import held_out_loader, predict_all
from dacl_mm.errors import UserError
from dacl_mm.evaluation.calibration import fit_temperature
from dacl_mm.inference import ModelInfo

FEW = {f'{part}_dataloader.dataset.num_images': 56 for part in ('train', 'val', 'test')}
WORKERS = {f'{part}_dataloader.num_workers': 0 for part in ('train', 'val', 'test')}
OPTIONS = FEW | WORKERS | {'model.backbone.type': 'SEResNetCIFAR', 'model.backbone.base_channels': 8}
OPTIONS |= {'model.backbone.stem_channels': 8, 'model.head.in_channels': 64}


@pytest.fixture(scope='module')
def trained(tmp_path_factory):
    """The config of a training, its model, and the checkpoint that it wrote."""
    init_default_scope('mmpretrain')
    torch.manual_seed(0)
    cfg = load_config(str(REPO / 'configs' / 'dacl_r18_synthetic.py'))
    set_options(cfg, OPTIONS | {'model.head.attention.hidden_channels': [8], 'model.head.feat_size': 8})
    cfg.model.backbone.init_cfg = None
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor}).eval()
    model.head.fc.weight.data *= 30  # scores that tell images apart
    for name, value in model.backbone.named_buffers():
        if name.endswith('running_var'):
            value.uniform_(0.2, 0.5)
    path = tmp_path_factory.mktemp('trained') / 'best.pth'
    meta = dict(
        epoch=3, cfg=cfg.pretty_text, dataset_meta=dict(classes=list(held_out(cfg).metainfo['classes']))
    )
    torch.save(dict(meta=meta, state_dict=model.state_dict()), path)
    return cfg, model, path


def held_out(cfg):
    return held_out_loader(cfg).dataset


def call(monkeypatch, *args, options=OPTIONS):
    pairs = [f'{key}={value}' for key, value in options.items()]
    monkeypatch.setattr(sys, 'argv', ['ship.py', *map(str, args), '--cfg-options', *pairs])
    run(ship.main)


def test_it_predicts_as_the_trained_model_and_holds_what_its_output_means(trained, tmp_path, monkeypatch):
    cfg, model, path = trained
    out, report = tmp_path / 'tiny.pth', tmp_path / 'held_out.json'
    config = REPO / 'configs' / 'dacl_r18_synthetic.py'
    text = ['--licence', 'research', '--training', 'drawn', '--accuracy', 0.02, '--report', report]
    call(monkeypatch, config, path, '--out', out, *text)
    shipped = torch.load(out, weights_only=True)
    assert {v.dtype for v in shipped['state_dict'].values()} == {torch.float16, torch.int64}
    assert not [name for name in shipped['state_dict'] if 'attention' in name or 'center' in name]
    assert out.stat().st_size < 0.52 * path.stat().st_size
    twin_cfg = Config.fromstring(shipped['meta']['cfg'], '.py')
    assert 'Synthetic' not in shipped['meta']['cfg'] and twin_cfg.model.head.type == 'LinearClsHead'
    twin = MODELS.build(twin_cfg.model)
    twin.load_state_dict(shipped['state_dict'])
    assert next(twin.parameters()).dtype == torch.float32
    loader = held_out_loader(cfg)
    (exact, label), (score, _) = predict_all(model, loader), predict_all(twin, loader)
    np.testing.assert_allclose(score, exact, atol=2e-3)
    assert exact.std(0).max() > 0.01
    info = ModelInfo.from_dict(shipped['meta']['inference'], out)
    assert (info.name, info.size, info.licence, info.training) == ('tiny', (64, 64), 'research', 'drawn')
    assert info.classes == tuple(loader.dataset.metainfo['classes']) and info.framing is None
    assert info.mean == tuple(cfg.data_preprocessor['mean'])
    assert info.temperature == pytest.approx(fit_temperature(np.log(score), label))
    found = json.loads(report.read_text())
    assert found['images'] == 56 and found['temperature'] == info.temperature
    assert found['accuracy'] == pytest.approx((score.argmax(1) == label).mean())
    assert found['same_class'] == pytest.approx((score.argmax(1) == exact.argmax(1)).mean())
    assert found['sure_accuracy'] >= 0.02 and found['unsure'] == info.unsure
    pairs = [f'{key}={value}' for key, value in OPTIONS.items()]
    pairs += ['test_dataloader.dataset.split=val', 'model.head.attention.hidden_channels=[8]']
    card = tmp_path / 'card.json'
    to = ['--out', card, '--out-item', 'card', '--work-dir', tmp_path / 'work']
    run_tool('test', config, out, *to, '--cfg-options', *pairs)
    tested, counts = json.loads(card.read_text()), np.bincount(7 * label + score.argmax(1), minlength=49)
    assert tested['confusion'] == dict(classes=list(info.classes), counts=counts.reshape(7, 7).tolist())
    assert tested['accuracy/top1'] == pytest.approx(100 * found['accuracy'])
    for key in ('ece', 'coverage', 'sure_accuracy'):
        assert tested[f'calibrated/{key}'] == pytest.approx(100 * found[key], abs=1e-3), key


@pytest.mark.parametrize(
    ('args', 'options', 'message'),
    [
        (['--out', 'x.onnx'], {}, 'must end in .pth'),
        (['--out', 'x.pth', '--accuracy', '90'], {}, 'is a share in'),
        (['--out', 'x.pth'], {'val_dataloader.dataset.split': 'test'}, 'would be chosen on the test images'),
        (['--out', 'x.pth', '--accuracy', '1'], {}, 'no confidence makes predictions right in 100 %'),
    ],
)
def test_mistakes_are_named_and_nothing_is_written(
    trained, tmp_path, monkeypatch, capsys, args, options, message
):
    monkeypatch.chdir(tmp_path)
    config = REPO / 'configs' / 'dacl_r18_synthetic.py'
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, config, trained[2], *args, options=OPTIONS | options)
    assert ended.value.code == 2 and message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_weight_out_of_range_is_named():
    kept = to_half(dict(a=torch.tensor(1.5), n=torch.tensor(70_000)), 'x.pth')
    assert kept['a'].dtype == torch.float16 and kept['n'] == 70_000
    with pytest.raises(UserError, match=r'x\.pth: b cannot be kept in float16'):
        to_half(dict(b=torch.tensor(70_000.0)), 'x.pth')
