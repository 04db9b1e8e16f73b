"""The centre losses against loops in float64 written from the formulas."""

import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmpretrain.registry import MODELS

from dacl_mm.errors import UserError
from dacl_mm.models.losses.center_loss import CHECK_INTERVAL, CenterLoss, SparseCenterLoss

N, D, K, LAMBDA, ALPHA = 9, 5, 4, 0.3, 0.5


def naive_loss(x, a, c, y):
    total = 0.0
    for i in range(len(x)):
        for j in range(x.shape[1]):
            total += a[i, j] * (x[i, j] - c[y[i], j]) ** 2
    return total / (2 * len(x))


def naive_update(x, a, c, y, alpha):
    new = c.copy()
    for k in range(len(c)):
        members = [i for i in range(len(x)) if y[i] == k]
        delta = np.zeros(c.shape[1])
        for i in members:
            delta += a[i] * (c[k] - x[i])
        new[k] = c[k] - alpha * delta / (1 + len(members))
    return new


def batch(rng, labels):
    x = rng.normal(size=(len(labels), D))
    a = rng.uniform(size=(len(labels), D))
    return x, a, np.array(labels)


# class 2 absent; one class only; every sample its own class
LABELS = [[0, 0, 1, 3, 3, 3, 0, 1, 3], [1] * 9, [3, 2, 1, 0]]


@pytest.mark.parametrize('labels', LABELS)
def test_loss_and_gradients_equal_the_formulas(labels):
    rng = np.random.default_rng(0)
    x, a, y = batch(rng, labels)
    loss = SparseCenterLoss(K, D, LAMBDA).double()
    c = loss.centers.numpy().copy()
    xt, at = torch.tensor(x, requires_grad=True), torch.tensor(a, requires_grad=True)
    value = loss(xt, torch.tensor(y), at)
    value.backward()
    gap = x - c[y]
    np.testing.assert_allclose(value.item(), LAMBDA * naive_loss(x, a, c, y), rtol=1e-6)
    np.testing.assert_allclose(xt.grad, LAMBDA * a * gap / len(x), rtol=1e-6)
    np.testing.assert_allclose(at.grad, LAMBDA * gap**2 / (2 * len(x)), rtol=1e-6)


def test_centers_follow_the_rule_over_several_steps():
    rng = np.random.default_rng(1)
    loss = SparseCenterLoss(K, D, LAMBDA).double()
    c = loss.centers.numpy().copy()
    for labels in LABELS:
        x, a, y = batch(rng, labels)
        loss(torch.tensor(x), torch.tensor(y), torch.tensor(a))
        loss.update_centers()
        c = naive_update(x, a, c, y, ALPHA)
        np.testing.assert_allclose(loss.centers, c, rtol=1e-6)


def test_absent_class_does_not_move_and_step_ignores_lambda():
    x, a, y = batch(np.random.default_rng(2), LABELS[0])
    steps = []
    for weight in (0.01, 10.0):
        torch.manual_seed(3)
        loss = SparseCenterLoss(K, D, weight).double()
        before = loss.centers.clone()
        loss(torch.tensor(x), torch.tensor(y), torch.tensor(a))
        loss.update_centers()
        assert torch.equal(loss.centers[2], before[2])
        steps.append(loss.centers - before)
    assert torch.equal(*steps)


def test_accumulated_micro_batches_count_as_one_batch():
    x, a, y = batch(np.random.default_rng(4), LABELS[0])
    loss = SparseCenterLoss(K, D).double()
    expected = naive_update(x, a, loss.centers.numpy().copy(), y, ALPHA)
    for part in (slice(0, 4), slice(4, 9)):
        loss(torch.tensor(x[part]), torch.tensor(y[part]), torch.tensor(a[part]))
    loss.update_centers()
    np.testing.assert_allclose(loss.centers, expected, rtol=1e-6)


def test_plain_center_loss_is_attention_one():
    x, _, y = batch(np.random.default_rng(5), LABELS[0])
    torch.manual_seed(0)
    plain = CenterLoss(K, D, LAMBDA).double()
    torch.manual_seed(0)
    sparse = SparseCenterLoss(K, D, LAMBDA).double()
    args = torch.tensor(x), torch.tensor(y)
    assert torch.equal(plain(*args), sparse(*args, torch.ones(9, D, dtype=torch.float64)))
    plain.update_centers()
    sparse.update_centers()
    assert torch.equal(plain.centers, sparse.centers)


def test_float32_under_autocast():
    x, a = torch.randn(N, D) * 100, torch.rand(N, D)
    y = torch.tensor(LABELS[0])
    loss = SparseCenterLoss(K, D)
    expected = loss(x, y, a)
    with torch.autocast('cpu', torch.bfloat16):
        value = loss(x, y, a)
    assert value.dtype == torch.float32
    assert torch.equal(value, expected)


def test_evaluation_leaves_centers_alone():
    loss = SparseCenterLoss(K, D).eval()
    before = loss.centers.clone()
    loss(torch.randn(N, D), torch.tensor(LABELS[0]), torch.rand(N, D))
    loss.update_centers()
    assert torch.equal(loss.centers, before)


def test_state_and_initial_spread():
    loss = MODELS.build(dict(type='SparseCenterLoss', num_classes=7, feat_channels=20000))
    assert list(loss.state_dict()) == ['centers'] and not list(loss.parameters())
    assert loss.centers.shape == (7, 20000)
    assert loss.centers.std().item() == pytest.approx((2 / 7) ** 0.5, rel=0.02)


@pytest.mark.parametrize(
    'kwargs', [dict(num_classes=0), dict(feat_channels=0), dict(loss_weight=-1), dict(alpha=-1)]
)
def test_bad_options(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        SparseCenterLoss(**{'num_classes': 2, 'feat_channels': 3, **kwargs})


def test_wrong_width_names_the_option():
    with pytest.raises(ValueError, match='feat_channels'):
        SparseCenterLoss(K, D)(torch.randn(2, D + 1), torch.tensor([0, 1]))


@pytest.mark.parametrize('bad', [float('inf'), float('nan')])
def test_centers_stay_finite(bad):
    x, a, y = batch(np.random.default_rng(6), LABELS[0])
    loss = SparseCenterLoss(K, D, alpha=ALPHA).double()
    expected = naive_update(x, a, loss.centers.numpy().copy(), y, ALPHA)
    before = loss.centers.clone()
    x[0, 2] = bad  # an image of class 0
    loss(torch.tensor(x), torch.tensor(y), torch.tensor(a))
    loss.update_centers()
    assert torch.equal(loss.centers[0], before[0])
    np.testing.assert_allclose(loss.centers[1:], expected[1:], rtol=1e-6)
    loss(torch.ones(1, D).double(), torch.tensor([0]), torch.ones(1, D).double())  # and moves on
    loss.update_centers()
    assert loss.centers.isfinite().all() and not torch.equal(loss.centers[0], before[0])


def test_centers_that_nobody_updates_are_told_once(caplog):
    logger = MMLogger.get_instance('told')
    with caplog.at_level('WARNING'):
        logger.addHandler(caplog.handler)
        loss = SparseCenterLoss(K, D)
        for _ in range(250):
            loss(torch.randn(2, D), torch.tensor([0, 1]), torch.rand(2, D))
    said = [r.getMessage() for r in caplog.records]
    assert len(said) == 1 and 'CenterUpdateHook' in said[0], said


def test_centers_left_where_they_were_are_told_once(caplog):
    logger = MMLogger.get_instance('left')
    with caplog.at_level('WARNING'):
        logger.addHandler(caplog.handler)
        loss = SparseCenterLoss(K, D)
        for _ in range(3 * CHECK_INTERVAL):
            loss(torch.full((1, D), float('inf')), torch.tensor([0]))
            loss.update_centers()
    said = [r.getMessage() for r in caplog.records]
    assert len(said) == 1 and 'infinite or NaN' in said[0], said


def test_the_plain_loss_refuses_an_attention():
    with pytest.raises(UserError, match='SparseCenterLoss'):
        CenterLoss(K, D)(torch.randn(2, D), torch.tensor([0, 1]), torch.rand(2, D))
