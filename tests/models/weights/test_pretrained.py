import pytest
import torch
from mmpretrain.registry import MODELS
from torchvision.models import resnet18

FILES = {
    'torchvision': lambda w: w,
    'msceleb': lambda w: {'state_dict': {**w, 'fc.weight': torch.zeros(1000, 512)}},
    'module prefix and feature layer': lambda w: {
        'state_dict': {
            **{f'module.{k}': v for k, v in w.items()},
            'module.feature.weight': torch.zeros(256, 512),
            'module.fc.weight': torch.zeros(87020, 256),
        }
    },
    'MMPretrain': lambda w: {'state_dict': {f'backbone.{k}': v for k, v in w.items()}},
}


def backbone(checkpoint, **kwargs):
    init = dict(type='PretrainedBackbone', checkpoint=str(checkpoint))
    options = dict(type='ResNet', depth=18, out_indices=(3,), zero_init_residual=False)
    model = MODELS.build({**options, 'init_cfg': init, **kwargs})
    model.init_weights()
    return model


@pytest.mark.parametrize('layout', FILES)
def test_every_variant_loads_completely(tmp_path, layout):
    source = resnet18().eval()
    for p in source.parameters():
        torch.nn.init.normal_(p, std=0.05)
    torch.save(FILES[layout](source.state_dict()), tmp_path / 'w.pth')
    model = backbone(tmp_path / 'w.pth')
    model.eval()  # returns None upstream
    x = torch.randn(2, 3, 64, 64)
    source.fc = torch.nn.Identity()
    expected = source(x)
    error = (model(x)[0].mean((2, 3)) - expected).abs().max() / expected.abs().max()
    assert error < 1e-5


def test_little_match_fails_loudly(tmp_path):
    weights = {f'strange.{k}': v for k, v in resnet18().state_dict().items()}
    torch.save(weights, tmp_path / 'w.pth')
    with pytest.raises(ValueError, match='0 of 100 backbone tensors matched'):
        backbone(tmp_path / 'w.pth')


def test_zeroing_after_loading_is_refused(tmp_path):
    with pytest.raises(ValueError, match='zero_init_residual=False'):
        backbone('scratch', zero_init_residual=True)
