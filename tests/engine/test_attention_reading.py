"""Reading an attention that is known."""

import json

import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from torch import nn

from dacl_mm.datasets import SyntheticFaces
from dacl_mm.engine.attention import (
    REGIONS,
    check_attention,
    describe_attention,
    in_words,
    read_attention,
    restored,
)
from dacl_mm.errors import UserError

PLAIN = [dict(type='DrawFace', size=40), dict(type='PackInputs')]
AUGMENTED = [PLAIN[0], dict(type='ColorJitter', brightness=0.3), PLAIN[1]]


class Bands(nn.Module):
    """A is the brightness of eight bands of the image, from top to bottom; or of none of them."""

    def __init__(self, looks=True):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(float(looks)))

    def forward(self, feature_map):
        bands = feature_map.mean((1, 3)).reshape(len(feature_map), 8, -1).mean(2)
        return 0.5 + self.scale * bands


class Model(nn.Module):
    """Sees images as they are."""

    def __init__(self, attention=None):
        super().__init__()
        self.backbone = nn.Sequential()
        self.backbone.forward = lambda inputs: (inputs,)
        self.head = nn.Module()
        if attention is not None:
            self.head.attention = attention

    def data_preprocessor(self, batch):
        return dict(inputs=torch.stack(batch['inputs']).float() / 255)


@pytest.fixture(scope='module')
def faces():
    init_default_scope('mmpretrain')
    return SyntheticFaces(num_images=70, split='val', pipeline=PLAIN, test_mode=True)


def test_it_is_read_in_order_and_repeats(faces):
    model = Model(Bands())
    found = read_attention(model, faces, range(70), faces.pipeline)
    for i in (0, 1, 69):
        bands = faces[i]['inputs'].double().mean((0, 2)).reshape(8, 5).mean(1) / 255
        np.testing.assert_allclose(found[i], 0.5 + bands, atol=1e-6)
    pipeline = Compose(AUGMENTED)
    first, again, other = (read_attention(model, faces, [3, 5], pipeline, view) for view in (1, 1, 2))
    assert np.array_equal(first, again) and not np.allclose(first, other)
    np.testing.assert_array_equal(read_attention(model, faces, [5], pipeline, 1)[0], first[1])


def test_a_description_of_one_that_looks_and_of_one_that_does_not(faces):
    found, blind = (
        describe_attention(Model(Bands(looks)), faces, faces.pipeline, Compose(AUGMENTED), views=2)
        for looks in (True, False)
    )
    assert found['images'] == 70 and found['input_share'] > 0.3 and blind['input_share'] == 0
    assert found['views']['same_image'] > 0.5 > abs(found['views']['other_images'])
    assert found['dimensions']['effective'] > 1 and len(found['class_means']) == 7
    # The eyes' box covers two or three of the eight bands, the control an eighth of each at both sides.
    assert found['regions'].keys() == REGIONS.keys() and found['regions']['eyes']['mean'] > 0
    stored = json.loads(json.dumps(blind).replace('NaN', 'null'))
    lines = in_words(restored(stored))
    assert len(lines) == 6 and lines[0].startswith('0.0 % of the variance')
    assert 'covering the mouth moves A by' in in_words(found)[-1]


def test_what_has_no_attention_to_describe_is_refused():
    weights = {'state_dict': {'head.attention.scale': torch.ones(())}}
    check_attention(Model(Bands()), weights, 'epoch_1.pth')
    with pytest.raises(UserError, match='no attention that learns'):
        check_attention(Model(), weights, 'epoch_1.pth')
    with pytest.raises(UserError, match=r'best_1\.pth has no weights of the attention.*epoch_'):
        check_attention(Model(Bands()), {'state_dict': {}}, 'best_1.pth')
