"""Checkpoints of the authors' code, written from their key layout."""

import pytest
import torch
from conftest import REPO, run_tool
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from torch import nn
from torchvision.models import resnet18

OTHER_CLASSES = dict(dataset_meta=dict(classes=('fear', 'anger')))


def reference_network():
    """torchvision's ResNet-18 with the attention layers under the authors' names."""
    network = resnet18(num_classes=7)
    network.attention = nn.Sequential(
        nn.Linear(512 * 7 * 7, 3584), nn.BatchNorm1d(3584), nn.ReLU(),
        nn.Linear(3584, 512), nn.BatchNorm1d(512), nn.ReLU(),
        nn.Linear(512, 64), nn.BatchNorm1d(64), nn.Tanh(),
    )  # fmt: skip
    network.attention_heads = nn.Linear(64, 1024)
    return network


@pytest.mark.parametrize('prefix', ['module.', ''])
def test_converted_checkpoint_gives_the_same_outputs_and_comes_back(tmp_path, prefix):
    network = reference_network().eval()
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    state = {prefix + k: v for k, v in network.state_dict().items()}
    torch.save(dict(epoch=17, model_state_dict=state), tmp_path / 'ref.pth')
    run_tool('convert_checkpoint', tmp_path / 'ref.pth', tmp_path / 'ours.pth')

    init_default_scope('mmpretrain')
    cfg = Config.fromfile(REPO / 'configs' / 'dacl_r18_rafdb.py')
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})
    ours = torch.load(tmp_path / 'ours.pth', weights_only=True)
    model.load_state_dict(ours['state_dict'], strict=True)
    model.eval()
    x = torch.randn(2, 3, 224, 224)
    feature_map = {}
    network.layer4.register_forward_hook(lambda m, i, o: feature_map.update(out=o))
    with torch.no_grad():
        expected = network(x)
        logits = model(x)
        flat = feature_map['out'].flatten(1)
        pairs = network.attention_heads(network.attention(flat)).reshape(-1, 512, 2)
        attention = model.head.attention(model.backbone(x)[-1])
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(attention, pairs.softmax(-1)[:, :, 1], rtol=1e-5, atol=1e-5)

    run_tool('convert_checkpoint', tmp_path / 'ours.pth', tmp_path / 'back.pth', '--reverse')
    back = torch.load(tmp_path / 'back.pth', weights_only=True)
    assert back['epoch'] == 17
    original = {f'module.{k}': v for k, v in network.state_dict().items()}
    assert list(back['model_state_dict']) == list(original)
    assert all(torch.equal(v, back['model_state_dict'][k]) for k, v in original.items())


@pytest.mark.parametrize(
    ('content', 'flags', 'message'),
    [
        (dict(weights={}), [], 'model_state_dict'),
        (dict(epoch=1, model_state_dict=dict(a=torch.ones(1))), [], 'head.attention.heads.weight'),
        (dict(epoch=1), ['--reverse'], "no 'state_dict'"),
        (
            dict(meta=OTHER_CLASSES, state_dict={}),
            ['--reverse'],
            'fear, anger',
        ),
        (dict(state_dict={'neck.a': torch.ones(1)}), ['--reverse'], 'neck.a has no counterpart'),
    ],
)
def test_other_files_are_refused(tmp_path, content, flags, message):
    torch.save(content, tmp_path / 'x.pth')
    done = run_tool('convert_checkpoint', tmp_path / 'x.pth', tmp_path / 'y.pth', *flags, check=False)
    assert done.returncode == 2 and message in done.stderr and 'Traceback' not in done.stderr
    assert not (tmp_path / 'y.pth').exists()
