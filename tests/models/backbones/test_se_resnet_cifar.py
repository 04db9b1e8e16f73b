"""The network for small faces, and the maps that the configs' heads are given."""

import pytest
import torch
from conftest import REPO
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS

from dacl_mm.config import load_config, set_options
from dacl_mm.models.heads.feature_size import dry_forward, set_feature_size


def test_a_block_adds_its_residual_channel_by_channel():
    """Against Hu et al., eq. 2 to 4, written as loops in float64."""
    init_default_scope('mmpretrain')
    backbone = MODELS.build(dict(type='SEResNetCIFAR', depth=18, stem_channels=8, base_channels=8))
    backbone.double()
    backbone.eval()  # which returns nothing
    block = backbone.layer1[0]
    gate = block.drop_path[0]
    x = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    residual = block.norm2(block.conv2(block.norm1(block.conv1(x)).relu()))
    expected = torch.zeros_like(residual)
    first, second = gate.conv1.conv, gate.conv2.conv
    for n in range(2):
        squeezed = [residual[n, c].sum().item() / 25 for c in range(8)]
        hidden = [
            max(
                0.0,
                sum(first.weight[j, c, 0, 0].item() * squeezed[c] for c in range(8)) + first.bias[j].item(),
            )
            for j in range(len(first.weight))
        ]
        for c in range(8):
            z = (
                sum(second.weight[c, j, 0, 0].item() * h for j, h in enumerate(hidden))
                + second.bias[c].item()
            )
            weight = 1 / (1 + torch.tensor(-z, dtype=torch.float64).exp())
            expected[n, c] = (x[n, c] + weight * residual[n, c]).clamp_min(0)
    assert torch.allclose(block(x), expected, atol=1e-12)


@pytest.mark.parametrize(
    ('name', 'side', 'channels'), [('dacl_r18s_ferplus', 6, 512), ('dacl_r18h_ferplus', 3, 256)]
)
def test_maps_of_the_configs(name, side, channels):
    cfg = load_config(str(REPO / 'configs' / f'{name}.py'))
    set_options(cfg, {'model.backbone.type': 'ResNet_CIFAR'})  # SE is one key
    assert dry_forward(cfg.model, (48, 48)).shape == (1, channels, side, side)
    cfg.model.backbone.type = 'SEResNetCIFAR'
    set_feature_size(cfg)
    assert cfg.model.head.feat_size == side
