"""FER_BACKBONE reaches any backbone, or the configuration is refused."""

import pytest
from conftest import run_tool
from mmengine.config import Config

from dacl_mm.config import load_config, set_backbone_weights
from dacl_mm.errors import UserError


def swapped(tmp_path, **backbone) -> Config:
    path = tmp_path / 'other.py'
    path.write_text(
        "_base_ = 'dacl_mm::softmax_r18_synthetic.py'\n"
        f'model = dict(backbone={dict(_delete_=True, **backbone)!r}, head=dict(in_channels=576))\n'
    )
    return load_config(str(path))


MOBILE = dict(type='MobileNetV3', arch='small')


def test_another_backbone_gets_the_file(tmp_path, monkeypatch):
    cfg = swapped(tmp_path, **MOBILE)
    monkeypatch.delenv('FER_BACKBONE', raising=False)
    set_backbone_weights(cfg)
    assert 'init_cfg' not in cfg.model.backbone
    monkeypatch.setenv('FER_BACKBONE', '/weights/mobile.pth')
    set_backbone_weights(cfg)
    assert cfg.model.backbone.init_cfg == dict(type='PretrainedBackbone', checkpoint='/weights/mobile.pth')


def test_two_sources_of_weights_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv('FER_BACKBONE', '/weights/a.pth')
    cfg = swapped(tmp_path, **MOBILE, init_cfg=dict(type='Pretrained', checkpoint='/weights/b.pth'))
    with pytest.raises(UserError, match=r'FER_BACKBONE is /weights/a\.pth.*b\.pth'):
        set_backbone_weights(cfg)


def test_a_missing_file_stops_the_training_of_any_backbone(tmp_path, monkeypatch):
    swapped(tmp_path, **MOBILE)
    monkeypatch.setenv('FER_BACKBONE', str(tmp_path / 'nowhere.pth'))
    done = run_tool('train', tmp_path / 'other.py', '--work-dir', tmp_path / 'work', check=False)
    assert done.returncode == 2 and f'{tmp_path / "nowhere.pth"} does not exist' in done.stderr
