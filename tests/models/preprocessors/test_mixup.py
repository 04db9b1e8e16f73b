"""Mixup, and what the losses make of mixed images."""

import numpy as np
import pytest
import torch
from mmpretrain.models.utils import ClsDataPreprocessor
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from dacl_mm.errors import UserError
from dacl_mm.models.preprocessors import BatchPreprocessor, OwnMixup

AUGMENTS = dict(augments=dict(type='OwnMixup', alpha=0.4))


def samples(scores=None, labels=range(4)):
    made = [DataSample().set_gt_label(label) for label in labels]
    for sample, score in zip(made, scores if scores is not None else ()):
        sample.set_gt_score(score)
    return made


@pytest.mark.parametrize('kind', [ClsDataPreprocessor, BatchPreprocessor])
@pytest.mark.parametrize('votes', [False, True])
def test_images_and_targets_are_mixed_alike_and_the_own_leads(kind, votes):
    torch.manual_seed(0)
    np.random.seed(0)
    images = torch.randint(0, 256, (4, 3, 5, 5), dtype=torch.uint8)
    scores = torch.rand(4, 4).softmax(1) if votes else torch.eye(4)
    preprocessor = kind(num_classes=4, batch_augments=AUGMENTS)
    shares = []
    for _ in range(20):
        batch = dict(inputs=images, data_samples=samples(scores if votes else None))
        done = preprocessor(batch, training=True)
        fits = []
        for i in range(4):
            best = None
            for j in range(4):  # which other one, and how much of it
                a, b, mixed = images[i].double(), images[j].double(), done['inputs'][i].double()
                share = 1.0 if i == j else (((mixed - b) * (a - b)).sum() / ((a - b) ** 2).sum()).item()
                error = (share * a + (1 - share) * b - mixed).abs().max().item()
                if best is None or error < best[0]:
                    best = (error, share, j)
            error, share, j = best
            assert error < 1e-3
            expected = share * scores[i] + (1 - share) * scores[j]
            assert torch.allclose(done['data_samples'][i].gt_score, expected, atol=1e-4)
            assert done['data_samples'][i].gt_label.item() == i
            fits.append(share if j != i else None)
        shares += [share for share in fits if share is not None]
    assert min(shares) >= 0.5 - 1e-4 and max(shares) > 0.95 and min(shares) < 0.7


def test_nothing_is_mixed_outside_of_training():
    images = torch.randint(0, 256, (4, 3, 5, 5), dtype=torch.uint8)
    done = BatchPreprocessor(num_classes=4, batch_augments=AUGMENTS)(
        dict(inputs=images, data_samples=samples())
    )
    assert torch.equal(done['inputs'], images.float())


def test_the_center_loss_pulls_a_mixed_image_to_its_own_center():
    head = MODELS.build(
        dict(
            type='DACLHead', num_classes=3, in_channels=8, attention=dict(type='ConstantAttention', value=0.5)
        )
    )
    scores = torch.tensor([[0.6, 0.4, 0.0], [0.0, 0.9, 0.1], [0.2, 0.0, 0.8]])
    feats = torch.randn(3, 8, 2, 2)
    losses = head.loss((feats,), samples(scores, range(3)))
    x, centers = feats.mean((2, 3)).double(), head.loss_center.centers.double()
    distance = sum(0.5 * (x[i, j] - centers[i, j]).item() ** 2 for i in range(3) for j in range(8))
    assert losses['loss_center'].item() == pytest.approx(0.01 * distance / 6, rel=1e-5)
    logits = head.fc(x.float()).double().log_softmax(1)
    entropy = -sum(scores[i, k].item() * logits[i, k].item() for i in range(3) for k in range(3)) / 3
    assert losses['loss_cls'].item() == pytest.approx(entropy, rel=1e-5)


def test_alpha_zero_is_refused_with_the_key_that_turns_it_off():
    with pytest.raises(UserError, match='batch_augments=None'):
        OwnMixup(0)
