"""The field's losses against loops in float64 written from their formulas."""

import math

import numpy as np
import pytest
import torch
from mmpretrain.registry import MODELS
from torch.autograd import gradcheck

from dacl_mm.errors import UserError
from dacl_mm.models.losses import (
    AffinityLoss,
    CenterLoss,
    IslandLoss,
    LogitAdjustedLoss,
    RebalancedSmoothLoss,
)

N, D, K = 6, 5, 4
SHARE = [0.5, 0.3, 0.15, 0.05]
LABEL = [0, 3, 1, 0, 2, 1]


def batch(seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(N, K)), rng.normal(size=(N, D)), rng.dirichlet(np.ones(K), N)


def known(loss):
    loss.prior.set(torch.tensor(SHARE))
    return loss


def cross_entropy(logits, q):
    total = 0.0
    for row, shares in zip(logits, q):
        normaliser = math.log(sum(math.exp(v) for v in row))
        total += sum(share * (normaliser - v) for share, v in zip(shares, row))
    return total / len(logits)


def one_hot(label):
    return np.eye(K)[label]


def naive_smooth(q, s):
    out = np.zeros_like(q)
    for i in range(len(q)):
        for y in range(K):
            out[i, y] += q[i, y] * (1 - s)
            for k in range(K):
                if k != y:
                    out[i, k] += q[i, y] * s / SHARE[k] / sum(1 / SHARE[j] for j in range(K) if j != y)
    return out


@pytest.mark.parametrize('votes', [False, True])
def test_logit_adjustment_equals_the_formula(votes):
    logits, _, q = batch()
    loss = known(LogitAdjustedLoss(K, tau=0.7))
    target = q if votes else one_hot(LABEL)
    value = loss(torch.tensor(logits), torch.tensor(q) if votes else torch.tensor(LABEL))
    assert value.item() == pytest.approx(cross_entropy(logits + 0.7 * np.log(SHARE), target), rel=1e-5)


@pytest.mark.parametrize('votes', [False, True])
def test_rebalanced_smoothing_equals_the_formula(votes):
    logits, _, q = batch()
    loss = known(RebalancedSmoothLoss(K, smooth=0.3))
    target = q if votes else one_hot(LABEL)
    value = loss(torch.tensor(logits), torch.tensor(q) if votes else torch.tensor(LABEL))
    assert value.item() == pytest.approx(cross_entropy(logits, naive_smooth(target, 0.3)), rel=1e-5)


@pytest.mark.parametrize('kind', ['LogitAdjustedLoss', 'RebalancedSmoothLoss'])
def test_in_a_head_under_autocast_and_without_a_prior(kind):
    head = MODELS.build(
        dict(type='LinearClsHead', num_classes=K, in_channels=D, loss=dict(type=kind, num_classes=K))
    )
    from mmpretrain.structures import DataSample

    samples = [DataSample().set_gt_label(y) for y in LABEL]
    with pytest.raises(UserError, match='ClassPriorHook'):
        head.loss((torch.randn(N, D),), samples)
    known(head.loss_module)
    with torch.autocast('cpu', torch.bfloat16):
        value = head.loss((torch.randn(N, D),), samples)['loss']
    assert value.dtype == torch.float32


def test_affinity_equals_the_formula_and_its_gradients():
    _, x, _ = batch()
    loss = AffinityLoss(K, D, loss_weight=0.5).double()
    c = loss.centers.detach().numpy()
    spread = sum(sum((v - col.mean()) ** 2 for v in col) / (K - 1) for col in c.T)
    expected = sum(sum((x[i, j] - c[y, j]) ** 2 for j in range(D)) for i, y in enumerate(LABEL)) / N / spread
    value = loss(torch.tensor(x), torch.tensor(LABEL))
    assert value.item() == pytest.approx(0.5 * expected)

    def total(x, centers):
        return torch.func.functional_call(loss, dict(centers=centers), (x, torch.tensor(LABEL)))

    assert gradcheck(total, (torch.tensor(x, requires_grad=True), loss.centers))


def test_affinity_is_float32_under_autocast():
    loss, x = AffinityLoss(K, D), torch.randn(N, D).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        value = loss(x, torch.tensor(LABEL))
    assert torch.equal(value, loss(x.float(), torch.tensor(LABEL)))


def cosine(a, b):
    return sum(a * b) / math.sqrt(sum(a * a) * sum(b * b))


def test_island_loss_equals_the_formula():
    _, x, _ = batch()
    loss = IslandLoss(K, D, loss_weight=0.3, island_weight=2.0).double()
    c = loss.centers.numpy()
    own = sum(((x[i] - c[y]) ** 2).sum() for i, y in enumerate(LABEL)) / (2 * N)
    apart = sum(cosine(c[j], c[k]) + 1 for j in range(K) for k in range(K) if k != j)
    value = loss(torch.tensor(x), torch.tensor(LABEL))
    assert value.item() == pytest.approx(0.3 * (own + 2 * apart))


def test_island_centers_move_by_both_parts():
    _, x, _ = batch()
    label = [0, 3, 1, 0, 3, 1]  # class 2 is absent
    loss = IslandLoss(K, D, alpha=0.4, island_weight=2.0).double()
    c = loss.centers.numpy().copy()
    loss(torch.tensor(x), torch.tensor(label))
    loss.update_centers(0.5)
    for j in range(K):
        members = [i for i in range(N) if label[i] == j]
        step = sum((c[j] - x[i] for i in members), np.zeros(D)) / (1 + len(members))
        for k in range(K):
            if k != j:
                lengths = np.linalg.norm(c[k]) * np.linalg.norm(c[j])
                step += (
                    2.0 / (K - 1) * (c[k] / lengths - cosine(c[k], c[j]) * c[j] / np.linalg.norm(c[j]) ** 2)
                )
        np.testing.assert_allclose(loss.centers[j], c[j] - 0.5 * 0.4 * step, rtol=1e-6)
    assert loss.update_norm.item() == pytest.approx(np.linalg.norm(loss.centers.numpy() - c))


def test_the_island_step_is_the_gradient_of_its_cosines():
    from dacl_mm.models.losses.island_loss import island_penalty, island_step

    c = torch.randn(K, D).double().requires_grad_()
    island_penalty(c).backward()
    torch.testing.assert_close(island_step(c.detach()), c.grad / 2 / (K - 1))


def test_without_its_second_part_it_is_the_center_loss():
    x, label = torch.randn(N, D), torch.tensor(LABEL)
    losses = [IslandLoss(K, D, island_weight=0.0), CenterLoss(K, D)]
    losses[1].load_state_dict(losses[0].state_dict())
    torch.testing.assert_close(*(loss(x, label) for loss in losses))
    for loss in losses:
        loss.update_centers()
    torch.testing.assert_close(*(loss.centers for loss in losses))


@pytest.mark.parametrize(
    ('make', 'kwargs'),
    [
        (LogitAdjustedLoss, dict(tau=-1.0)),
        (RebalancedSmoothLoss, dict(smooth=1.0)),
        (AffinityLoss, dict(num_classes=1, feat_channels=3)),
        (AffinityLoss, dict(loss_weight=-1.0, feat_channels=3)),
        (IslandLoss, dict(num_classes=1, feat_channels=3)),
        (IslandLoss, dict(island_weight=-1.0, feat_channels=3)),
    ],
)
def test_bad_options(make, kwargs):
    with pytest.raises(UserError, match=next(iter(kwargs))):
        make(**{'num_classes': 2, **kwargs})


def test_affinity_names_the_width():
    with pytest.raises(UserError, match='feat_channels'):
        AffinityLoss(K, D)(torch.randn(N, D + 1), torch.tensor(LABEL))
