import pytest
import torch
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

HEAD = dict(type='DACLHead', num_classes=3, in_channels=8, feat_size=2)
SMALL = dict(attention=dict(type='DACLAttention', hidden_channels=(16, 8)))


def samples(labels):
    return [DataSample().set_gt_label(y) for y in labels]


def build(**kwargs):
    return MODELS.build({**HEAD, **SMALL, **kwargs})


def test_losses_and_gradient_reach_map_attention_and_classifier():
    head = build()
    feats = torch.randn(4, 8, 2, 2, requires_grad=True)
    losses = head.loss((feats,), samples([0, 1, 2, 1]))
    assert set(losses) == {'loss_cls', 'loss_center'}
    sum(losses.values()).backward()
    assert feats.grad.abs().sum() > 0
    assert all(p.grad is not None for p in head.parameters())


def test_logits_do_not_use_attention_and_prediction_never_evaluates_it():
    head = build().eval()
    feats = (torch.randn(4, 8, 2, 2),)
    logits = head.fc(feats[0].mean((2, 3)))
    del head.attention, head.loss_center
    assert torch.allclose(head(feats), logits)
    scores = torch.stack([s.pred_score for s in head.predict(feats)])
    assert torch.allclose(scores, logits.softmax(1))


def test_attention_lies_between_zero_and_one_and_starts_balanced():
    attention = build().attention(torch.randn(64, 8, 2, 2))
    assert attention.shape == (64, 8)
    assert ((attention > 0) & (attention < 1)).all()
    assert abs(attention.mean().item() - 0.5) < 0.05 and 0.4 < (attention > 0.5).float().mean() < 0.6


def test_constant_attention_one_is_the_center_loss_head():
    feats = torch.randn(4, 8, 2, 2)
    torch.manual_seed(0)
    dacl = build(attention=dict(type='ConstantAttention', value=1.0))
    linear = dict(type='LinearClsHead', num_classes=3, in_channels=8)
    plain = MODELS.build(dict(type='CenterLossHead', head=linear))
    plain.head.load_state_dict({k: v for k, v in dacl.state_dict().items() if k.startswith('fc')})
    plain.head.load_state_dict(dict(zip(['fc.weight', 'fc.bias'], [dacl.fc.weight, dacl.fc.bias])))
    plain.loss_center.centers.copy_(dacl.loss_center.centers)
    a = dacl.loss((feats,), samples([0, 1, 2, 1]))
    b = plain.loss((feats.mean((2, 3)),), samples([0, 1, 2, 1]))
    for key in ('loss_cls', 'loss_center'):
        assert torch.allclose(a[key], b[key])


def test_center_loss_beside_arcface():
    arc = dict(type='FloatArcFaceHead', num_classes=3, in_channels=8)
    head = MODELS.build(dict(type='CenterLossHead', head=arc))
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss((torch.randn(4, 8).bfloat16(),), samples([0, 1, 2, 1]))
    assert set(losses) == {'loss_cls', 'loss_center'}


@pytest.mark.parametrize(
    ('shape', 'labels', 'message'),
    [
        ((4, 8, 3, 3), [0, 1, 2, 1], 'feat_size'),
        ((4, 8), [0, 1, 2, 1], 'neck'),
        ((4, 9, 2, 2), [0, 1, 2, 1], 'in_channels'),
        ((4, 8, 2, 2), [0, 1, 3, 1], 'label 3 is outside'),
        ((1, 8, 2, 2), [0], 'drop_last'),
    ],
)
def test_mismatch_is_named_at_the_first_batch(shape, labels, message):
    with pytest.raises(ValueError, match=message):
        build().loss((torch.randn(shape),), samples(labels))


def test_mismatch_is_named_when_built():
    with pytest.raises(ValueError, match='out_channels must equal in_channels'):
        build(attention=dict(type='DACLAttention', out_channels=9))
    with pytest.raises(ValueError, match='num_classes'):
        build(loss_center=dict(type='SparseCenterLoss', num_classes=4))
