"""What travels with the weights."""

import json

import pytest
import torch

from dacl_mm.errors import UserError
from dacl_mm.inference import Framing, ModelInfo

POINTS = ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.75), (0.65, 0.75))
FRAMING = Framing(POINTS, ((0.02, 0.03),) * 5, (48, 48))
FULL = ModelInfo(
    'mine', ('neutral', 'fear'), (48, 40), (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), FRAMING, 1.5, 0.4, 'CC0', 'FER+'
)
PLAIN = ModelInfo('mine', ('neutral', 'fear'), (48, 40))


@pytest.mark.parametrize('info', [FULL, PLAIN])
def test_it_survives_json_and_a_checkpoint(tmp_path, info):
    torch.save(dict(meta=dict(inference=info.to_dict())), tmp_path / 'a.pth')
    stored = torch.load(tmp_path / 'a.pth', weights_only=True)['meta']['inference']
    assert ModelInfo.from_dict(stored, 'a.pth') == info
    assert ModelInfo.from_dict(json.loads(json.dumps(info.to_dict())), 'a.onnx') == info


def without(key: str) -> dict:
    return {name: value for name, value in FULL.to_dict().items() if name != key}


@pytest.mark.parametrize(
    'stored, message',
    [
        (without('classes'), 'a.pth: the description of the network lacks classes'),
        (FULL.to_dict() | dict(colour=1), 'has colour'),
        (FULL.to_dict() | dict(framing=dict(size=[1, 1])), 'its framing lacks landmarks, spread'),
        ([1], 'is a list, not a dict'),
    ],
)
def test_another_version_is_named(stored, message):
    with pytest.raises(UserError, match=message):
        ModelInfo.from_dict(stored, 'a.pth')
