"""ArcFace on embeddings in half precision."""

import math

import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

LABELS = torch.tensor([0, 2, 1])
SAMPLES = [DataSample().set_gt_label(int(label)) for label in LABELS]
ARC = dict(num_classes=3, in_channels=8, scale=16.0, margins=0.2)


@pytest.fixture
def head():
    return MODELS.build(dict(type='FloatArcFaceHead', **ARC))


def test_it_is_mmpretrains_in_float32(head):
    plain = MODELS.build(dict(type='ArcFaceClsHead', **ARC))
    plain.load_state_dict(head.state_dict())
    feats = (torch.randn(3, 8),)
    assert torch.equal(head(feats), plain(feats))
    assert torch.equal(head.loss(feats, SAMPLES)['loss'], plain.loss(feats, SAMPLES)['loss'])


def test_angles_of_half_embeddings_are_float32(head):
    """Against the margin's formula in float64, where upstream's head stops."""
    half = torch.randn(3, 8).bfloat16().requires_grad_()
    with torch.autocast('cpu', torch.bfloat16):
        loss = head.loss((half,), SAMPLES)['loss']
        scores = head((half,))
    weight = F.normalize(head.norm_product.weight.detach().double())
    cosines = (F.normalize(half.detach().double()) @ weight.T).numpy()
    angles = [[math.acos(cosine) for cosine in row] for row in cosines]
    logits = torch.tensor(
        [
            [16 * math.cos(angle + 0.2 * (k == label)) for k, angle in enumerate(row)]
            for row, label in zip(angles, LABELS.tolist())
        ],
        dtype=torch.float64,
    )
    assert loss.dtype == scores.dtype == torch.float32
    torch.testing.assert_close(loss.double(), F.cross_entropy(logits, LABELS), rtol=1e-5, atol=0)
    torch.testing.assert_close(scores.double(), 16 * torch.tensor(cosines), rtol=1e-5, atol=1e-5)
    loss.backward()
    assert half.grad.abs().sum() > 0 and head.norm_product.weight.grad.abs().sum() > 0


def test_upstreams_still_needs_it():
    """Once MMPretrain takes half embeddings, this class can go."""
    plain = MODELS.build(dict(type='ArcFaceClsHead', **ARC))
    with torch.autocast('cpu', torch.bfloat16), pytest.raises(RuntimeError, match='dtype'):
        plain.loss((torch.randn(3, 8).bfloat16(),), SAMPLES)
