"""Dropout before the classifier."""

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from dacl_mm.errors import UserError

SAMPLES = [DataSample().set_gt_label(label) for label in (0, 2, 1)]


def test_training_sees_a_part_of_the_embedding_and_prediction_all_of_it():
    head = MODELS.build(dict(type='DropoutLinearHead', num_classes=3, in_channels=64, dropout=0.3))
    plain = MODELS.build(dict(type='LinearClsHead', num_classes=3, in_channels=64))
    plain.load_state_dict(head.state_dict())
    feats = (torch.randn(3, 64),)
    torch.manual_seed(1)
    loss = head.loss(feats, SAMPLES)['loss']
    torch.manual_seed(1)
    kept = (F.dropout(torch.ones(3, 64), 0.3) > 0).double()
    dropped = (feats[0].double() * kept / 0.7) @ head.fc.weight.double().T + head.fc.bias.double()
    expected = F.cross_entropy(dropped, torch.tensor([0, 2, 1]))
    torch.testing.assert_close(loss.double(), expected, rtol=1e-5, atol=0)
    assert kept.mean() < 0.9 and loss != plain.loss(feats, SAMPLES)['loss']
    assert torch.equal(head.pre_logits(feats), feats[0])
    assert torch.equal(head.eval()(feats), plain(feats))


def test_a_share_out_of_range_is_refused():
    with pytest.raises(UserError, match=r'dropout must lie in \[0, 1\), got 1'):
        MODELS.build(dict(type='DropoutLinearHead', num_classes=3, in_channels=8, dropout=1.0))
