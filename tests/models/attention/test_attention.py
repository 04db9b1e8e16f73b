"""Attentions of unknown size, of somebody else's making, and the controls."""

import pytest
import torch
from mmengine.runner.checkpoint import load_state_dict
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from dacl_mm.errors import UserError
from dacl_mm.models.attention import DACLAttention, ShuffledAttention, find_attention

SMALL = dict(in_channels=3, out_channels=3, hidden_channels=(6, 5))
MAPS = torch.randn(8, 3, 2, 2)


def test_a_checkpoint_tells_the_size():
    source = DACLAttention(feat_size=2, **SMALL).eval()
    for load in (lambda m, s: m.load_state_dict(s), load_state_dict):
        model = DACLAttention(**SMALL).eval()
        load(model, source.state_dict())
        assert torch.equal(model(MAPS), source(MAPS))


def test_a_first_pass_tells_the_size():
    model = DACLAttention(**SMALL)
    assert model(MAPS).shape == (8, 3)
    assert model.encoder[0].weight.shape == (6, 12)


def test_training_needs_the_size():
    with pytest.raises(UserError, match=r'model\.head\.feat_size'):
        DACLAttention(**SMALL).init_weights()


@MODELS.register_module()
class GatedMean(torch.nn.Module):
    """Somebody else's attention: one gate for each channel's mean."""

    def __init__(self, in_channels, feat_size, out_channels):
        super().__init__()
        self.gate = torch.nn.Linear(in_channels, out_channels)

    def forward(self, feature_map):
        return self.gate(feature_map.mean((2, 3))).sigmoid()


def test_any_module_is_an_attention():
    head = MODELS.build(dict(type='DACLHead', num_classes=2, in_channels=3, attention=dict(type='GatedMean')))
    model = torch.nn.Module()
    model.head = head
    assert isinstance(find_attention(model), GatedMean)
    losses = head.loss((MAPS,), [DataSample().set_gt_label(i % 2) for i in range(8)])
    sum(losses.values()).backward()
    assert head.attention.gate.weight.grad.abs().sum() > 0
    torch.testing.assert_close(head.loss_center.last_batch.attention, head.attention(MAPS).detach())
    assert find_attention(torch.nn.Linear(1, 1)) is None


def orders(model: ShuffledAttention, steps: int) -> list[list[int]]:
    """Return the order of each training step, from rows that are all different."""
    found = []
    for _ in range(steps):
        rows = DACLAttention.forward(model, MAPS)
        found.append([int((rows == row).all(1).nonzero()) for row in model(MAPS)])
    return found


def shuffled() -> ShuffledAttention:
    return ShuffledAttention(feat_size=2, **SMALL)


def test_shuffled_rows_go_on_where_a_checkpoint_left_them():
    whole = shuffled()
    begin = {k: v.clone() for k, v in whole.state_dict().items()}
    expected = orders(whole, 6)
    assert all(sorted(order) == list(range(8)) for order in expected)
    assert len({tuple(order) for order in expected}) == 6
    first = shuffled()
    first.load_state_dict(begin)
    assert orders(first, 3) == expected[:3]
    torch.rand(5)  # a resumed process has drawn otherwise
    resumed = shuffled()
    load_state_dict(resumed, first.state_dict())
    assert orders(resumed, 3) == expected[3:]


def test_shuffling_leaves_the_global_generator_alone():
    model = shuffled()
    state = torch.get_rng_state()
    model(MAPS)
    assert torch.equal(torch.get_rng_state(), state)


def test_shuffling_is_for_training_alone():
    model = shuffled().eval()
    assert torch.equal(model(MAPS), DACLAttention.forward(model, MAPS))


def test_seeds_order_differently():
    torch.manual_seed(1)
    first = orders(shuffled(), 3)
    torch.manual_seed(2)
    assert orders(shuffled(), 3) != first
