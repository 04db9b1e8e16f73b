"""Scores of attention-weighted centres against loops in float64 written from the formulas."""

import math

import numpy as np
import pytest
import torch
from torch.autograd import gradcheck

from dacl_mm.errors import UserError
from dacl_mm.models.centers import GaussianCenters, RatioCenters

N, D, K = 6, 5, 4


def arrays(seed=0):
    rng = np.random.default_rng(seed)
    z, c = rng.normal(size=(N, D)), rng.normal(size=(K, D))
    a = rng.uniform(0.1, 2, (N, D))
    q = rng.dirichlet(np.ones(K), N)
    return z, a / a.mean(1, keepdims=True), c, q


def naive_ratio(z, a, c, nu, eps):
    scores = np.zeros((len(z), len(c)))
    for i in range(len(z)):
        for k in range(len(c)):
            distance = eps
            for j in range(z.shape[1]):
                distance += a[i, j] * (z[i, j] - c[k, j]) ** 2
            scores[i, k] = -nu * math.log(distance)
    return scores


def naive_gaussian(z, a, c, alpha, delta):
    scores = np.zeros((len(z), len(c)))
    for i in range(len(z)):
        for k in range(len(c)):
            for j in range(z.shape[1]):
                precision = a[i, j] * math.exp(min(max(alpha[j] + delta[k, j], -2), 3))
                value = precision * (z[i, j] - c[k, j]) ** 2 - math.log(precision)
                scores[i, k] -= value / (2 * math.sqrt(z.shape[1]))
    return scores


def naive_cross_entropy(scores, q):
    total = 0.0
    for row, shares in zip(scores, q):
        normaliser = math.log(sum(math.exp(s) for s in row))
        total -= sum(share * (s - normaliser) for share, s in zip(shares, row))
    return total / len(q)


def ratio(c, **kwargs):
    centers = RatioCenters(K, D, **kwargs).double()
    centers.weight.data = torch.tensor(c)
    return centers


def cross_entropy(scores, q):
    return -(torch.tensor(q) * scores.log_softmax(1)).sum(1).mean()


def test_ratio_equals_the_formula():
    z, a, c, q = arrays()
    centers = ratio(c, sharpness=3.0, eps=0.01)
    scores = centers(torch.tensor(z), torch.tensor(a))
    expected = naive_ratio(z, a, c, 3.0, 0.01)
    np.testing.assert_allclose(scores.detach(), expected, rtol=1e-6)
    assert centers.penalty(scores, torch.tensor(q)) == 0


def test_the_attention_gets_gradients_of_both_signs_that_finite_differences_confirm():
    z, a, c, q = arrays()
    at = torch.tensor(a, requires_grad=True)
    cross_entropy(ratio(c, sharpness=3.0, eps=1e-12)(torch.tensor(z), at), q).backward()
    for i in range(N):
        for j in range(D):
            up, down = a.copy(), a.copy()
            up[i, j] += 1e-6
            down[i, j] -= 1e-6
            higher, lower = (naive_cross_entropy(naive_ratio(z, b, c, 3.0, 1e-12), q) for b in (up, down))
            assert at.grad[i, j].item() == pytest.approx((higher - lower) / 2e-6, abs=1e-7)
    assert (at.grad > 1e-3).any() and (at.grad < -1e-3).any()
    # No gain in making all weights larger or smaller: neither shrinkage nor a temperature.
    torch.testing.assert_close((at * at.grad).sum(1), torch.zeros(N).double(), atol=1e-9, rtol=0)


def test_the_own_center_attracts_and_the_nearest_rival_is_pushed():
    z = torch.tensor([[0.0, 0.0]]).double()
    centers = RatioCenters(2, 2, sharpness=4.0).double()
    centers.weight.data = torch.tensor([[1.0, 0.2], [-1.0, 0.2]]).double()
    loss = cross_entropy(centers(z, torch.ones(1, 2).double()), [[1.0, 0.0]])
    loss.backward()
    own, rival = centers.weight.grad
    assert own[0] > 0 and rival[0] > 0  # descent takes both to the left: own to z, rival away


@pytest.mark.parametrize('make', [RatioCenters, GaussianCenters])
def test_gradients_are_those_of_the_values(make):
    z, a, _, q = arrays(1)
    centers = make(K, D).double()
    torch.nn.init.normal_(centers.weight)

    def total(z, a, *parameters):
        scores = torch.func.functional_call(centers, dict(zip(names, parameters)), (z, a))
        return cross_entropy(scores, q) + centers.penalty(scores, torch.tensor(q))

    names = [name for name, _ in centers.named_parameters()]
    values = [p.detach().clone().requires_grad_() for p in centers.parameters()]
    inputs = [torch.tensor(v, requires_grad=True) for v in (z, a)]
    assert gradcheck(total, (*inputs, *values))


def test_gaussian_equals_the_formula():
    z, a, c, q = arrays(2)
    rng = np.random.default_rng(3)
    alpha, delta = rng.normal(size=D), rng.normal(size=(K, D))
    alpha[0], delta[0, 0], delta[1, 0] = -1.5, -1.5, 7  # both bounds of log A
    centers = GaussianCenters(K, D, likelihood_weight=0.3, delta_weight=0.02).double().eval()
    for name, value in (('weight', c), ('alpha', alpha), ('delta', delta)):
        getattr(centers, name).data = torch.tensor(value)
    scores = centers(torch.tensor(z), torch.tensor(a))
    expected = naive_gaussian(z, a, c, alpha, delta)
    np.testing.assert_allclose(scores.detach(), expected, rtol=1e-6)
    likelihood = 0.0  # sum_k q_k sum_j [A e^2 - log A], which is -2 sqrt(d) times the score
    for i in range(N):
        for k in range(K):
            likelihood += q[i, k] * -2 * math.sqrt(D) * expected[i, k] / N
    penalty = 0.3 / (2 * D) * likelihood + 0.02 * (delta**2).sum()
    assert centers.penalty(scores, torch.tensor(q)).item() == pytest.approx(penalty)


def test_precision_stays_in_bounds_and_keeps_its_gradient_there():
    z, a, _, q = arrays(4)
    centers = GaussianCenters(K, D, delta_weight=0.0).double()
    centers.alpha.data.fill_(-9.0)  # a step too far
    scores = centers(torch.tensor(z), torch.tensor(a))
    assert (centers.eval().log_precision() == -2).all() and (centers.alpha == -2).all()
    (cross_entropy(scores, q) + centers.penalty(scores, torch.tensor(q))).backward()
    assert (centers.alpha.grad < 0).all()  # descent leads back in: the precision is far too small


@pytest.mark.parametrize(('precision', 'trained'), [('class', 2), ('shared', 1), ('fixed', 0)])
def test_how_much_of_the_precision_is_learned(precision, trained):
    centers = GaussianCenters(K, D, precision=precision)
    assert sum(p.requires_grad for p in (centers.alpha, centers.delta)) == trained


def test_class_means_of_votes_over_the_last_batches():
    z, _, _, q = arrays(5)
    centers = RatioCenters(K, D).double()
    centers.collect(torch.tensor(z), torch.tensor(q))  # not collecting yet
    assert centers.counts.sum() == 0
    centers.collecting = True
    sums, counts = np.zeros((K, D)), np.zeros(K)
    q[:, 2] = 0
    for shift in (0.0, 1.0, 3.0):
        centers.collect(torch.tensor(z + shift), torch.tensor(q))
        sums, counts = 0.99 * sums, 0.99 * counts
        for i in range(N):
            for k in range(K):
                sums[k] += q[i, k] * (z[i] + shift)
                counts[k] += q[i, k]
    centers.weight.data.fill_(7.0)
    centers.set_to_means()
    for k in (0, 1, 3):
        np.testing.assert_allclose(centers.weight[k].detach(), sums[k] / counts[k], rtol=1e-6)
    assert (centers.weight[2] == 7).all()  # no image: it stays
    assert centers.sums.abs().sum() == 0


@pytest.mark.parametrize(
    ('make', 'kwargs'),
    [
        (RatioCenters, dict(num_classes=0)),
        (RatioCenters, dict(sharpness=0.0)),
        (RatioCenters, dict(eps=0.0)),
        (GaussianCenters, dict(precision='image')),
        (GaussianCenters, dict(likelihood_weight=-1.0)),
        (GaussianCenters, dict(delta_weight=-1.0)),
    ],
)
def test_bad_options(make, kwargs):
    with pytest.raises(UserError, match=next(iter(kwargs))):
        make(**{'num_classes': 2, 'feat_channels': 3, **kwargs})
