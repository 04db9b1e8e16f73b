"""The field's heads against loops written from their formulas."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.runner.checkpoint import load_state_dict
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from torch.autograd import gradcheck

from dacl_mm.engine.hooks import RelabelHook
from dacl_mm.errors import UserError

N, C, K = 10, 6, 3
SHARE = torch.tensor([0.6, 0.3, 0.1])
MAPS = torch.randn(N, C, 2, 2)
LABEL = [0, 2, 1, 0, 2, 1, 0, 0, 1, 2]
KINDS = ('GaussianMixtureHead', 'VarianceHead', 'UncertaintyHead', 'SelfCureHead', 'FlipConsistencyHead')


def samples(labels=LABEL):
    return [DataSample(metainfo=dict(sample_idx=i)).set_gt_label(y) for i, y in enumerate(labels)]


def votes(shares):
    return [DataSample().set_gt_score(q) for q in shares]


def build(kind, **kwargs):
    size = dict(feat_size=2, embed_channels=5) if kind == 'UncertaintyHead' else {}
    return MODELS.build({**dict(type=kind, num_classes=K, in_channels=C), **size, **kwargs})


def features(kind, maps=MAPS):
    """What the head is given: a map, or where it has a neck its mean."""
    mapped = kind in ('UncertaintyHead', 'FlipConsistencyHead')
    return (maps if mapped else maps.mean((2, 3)),)


@pytest.mark.parametrize('kind', KINDS)
def test_predictions_do_not_depend_on_the_batch(kind):
    head = build(kind)
    extra = dict(flipped=features(kind)) if kind == 'FlipConsistencyHead' else {}
    head.loss(features(kind), samples(), **extra)
    head.eval()
    together = torch.stack([s.pred_score for s in head.predict(features(kind))])
    alone = [head.predict(features(kind, image[None]))[0].pred_score for image in MAPS]
    torch.testing.assert_close(together, torch.stack(alone))
    for name in getattr(head, 'training_only', ()):
        delattr(head, name)
    torch.testing.assert_close(together, torch.stack([s.pred_score for s in head.predict(features(kind))]))


@pytest.mark.parametrize('kind', KINDS)
def test_everything_learns_and_losses_are_float32_under_autocast(kind):
    head = build(kind)
    maps = MAPS.clone().requires_grad_()
    extra = dict(flipped=features(kind, MAPS.flip(-1) + 1)) if kind == 'FlipConsistencyHead' else {}
    with torch.autocast('cpu', torch.bfloat16):
        losses = head.loss(features(kind, maps), samples(), **extra)
    assert all(value.dtype == torch.float32 for value in losses.values())
    sum(losses.values()).backward()
    assert maps.grad.abs().sum() > 0
    assert all(p.grad is not None for p in head.parameters())


@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind != 'SelfCureHead'])
def test_votes_that_agree_are_labels(kind):
    head = build(kind)
    extra = dict(flipped=features(kind)) if kind == 'FlipConsistencyHead' else {}
    found = []
    for batch in (samples(), votes(F.one_hot(torch.tensor(LABEL), K).float())):
        torch.manual_seed(1)
        found.append(head.loss(features(kind), batch, **extra))
    for name, value in found[0].items():
        torch.testing.assert_close(value, found[1][name])


# Gaussian mixture


def naive_mixture(head, x, q):
    m, log_v = head.means.detach().numpy(), head.log_variance.detach().numpy()
    cls = likelihood = 0.0
    for i in range(len(x)):
        logits = []
        for k in range(K):
            d = sum((x[i, j] - m[k, j]) ** 2 / math.exp(log_v[k, j]) for j in range(C)) / 2
            half = sum(log_v[k]) / 2
            logits.append(-(1 + head.margin * q[i, k]) * d - half)
            likelihood += q[i, k] * (d + half) / len(x)
        normaliser = math.log(sum(math.exp(v - max(logits)) for v in logits)) + max(logits)
        cls += sum(q[i, k] * (normaliser - logits[k]) for k in range(K)) / len(x)
    return cls, head.likelihood_weight * likelihood


def test_the_mixture_equals_the_formula_and_its_gradients():
    rng = np.random.default_rng(0)
    head = build('GaussianMixtureHead', margin=0.3, likelihood_weight=0.2).double()
    head.log_variance.data.uniform_(-1, 1)
    x, q = rng.normal(size=(4, C)), rng.dirichlet(np.ones(K), 4)
    losses = head.loss((torch.tensor(x),), votes(torch.tensor(q)))
    cls, likelihood = naive_mixture(head, x, q.astype(np.float32).astype(float))
    assert losses['loss_cls'].item() == pytest.approx(cls)
    assert losses['loss_likelihood'].item() == pytest.approx(likelihood)

    def total(x, means, log_variance):
        parameters = dict(means=means, log_variance=log_variance)
        with torch.nn.utils.stateless._reparametrize_module(head, parameters):
            return sum(head.loss((x,), votes(torch.tensor(q))).values())

    assert gradcheck(total, (torch.tensor(x, requires_grad=True), head.means, head.log_variance))


def test_the_mixture_predicts_without_margin():
    head = build('GaussianMixtureHead', margin=0.3).double()
    head.log_variance.data.uniform_(-1, 1)
    x = torch.randn(4, C).double()
    for i, logits in enumerate(head((x,))):
        for k in range(K):
            normal = torch.distributions.Normal(head.means[k], (head.log_variance[k] / 2).exp())
            density = normal.log_prob(x[i]).sum() + C / 2 * math.log(2 * math.pi)
            torch.testing.assert_close(logits[k], density)


def test_a_variance_stays_in_bounds_and_comes_back():
    head = build('GaussianMixtureHead')
    head.log_variance.data.fill_(-50)
    sum(head.loss(features('GaussianMixtureHead'), samples()).values()).backward()
    assert (head.log_variance == -3).all() and (head.log_variance.grad < 0).any()


# POSTER-Var


def test_logits_are_drawn_with_their_variance():
    head = build('VarianceHead')
    head.log_variance.weight.data.normal_()
    x = MAPS.mean((2, 3))
    torch.manual_seed(3)
    value = head.loss((x,), samples())['loss']
    torch.manual_seed(3)
    drawn = head.fc(x) + torch.randn(N, K) * torch.exp(head.log_variance(x) / 2)
    torch.testing.assert_close(value, F.cross_entropy(drawn, torch.tensor(LABEL)))
    torch.testing.assert_close(head.eval()((x,)), head.fc(x))


# RUL


def test_a_pair_is_mixed_by_its_uncertainties_and_must_be_told_apart():
    head = build('UncertaintyHead', dropout=0.0)
    x = head.embed(MAPS)
    u = head.log_variance(MAPS).exp()
    total = 0.0
    for i in range(N):
        j = (i - 1) % N
        ui, uj = u[i].sum() / 5, u[j].sum() / 5
        logits = head.fc(((ui * x[i] + uj * x[j]) / (ui + uj))[None])
        for y in (LABEL[i], LABEL[j]):
            total += F.cross_entropy(logits, torch.tensor([y])) / 2 / N
    torch.testing.assert_close(head.loss((MAPS,), samples())['loss'], total)


@pytest.mark.parametrize('size', [None, 3])
def test_the_size_of_the_map_is_asked_for(size):
    with pytest.raises(UserError, match='feat_size'):
        build('UncertaintyHead', feat_size=size).loss((MAPS,), samples())


# EAC, MEK


@pytest.mark.parametrize('balanced', [False, True])
def test_consistency_equals_the_formula(balanced):
    head = build('FlipConsistencyHead', consistency_weight=0.7, balanced=balanced)
    if balanced:
        head.prior.set(SHARE)
    other = torch.randn(N, C, 2, 2)
    total = 0.0
    for n in range(N):
        for k in range(K):
            weight = 1 / (10 * SHARE[k]) if balanced else 1 / K
            for h in range(2):
                for w in range(2):
                    own = sum(head.fc.weight[k, c] * MAPS[n, c, h, w] for c in range(C))
                    mirrored = sum(head.fc.weight[k, c] * other[n, c, h, 1 - w] for c in range(C))
                    total += weight * (own - mirrored) ** 2 / (N * 4)
    losses = head.loss((MAPS,), samples(), flipped=(other,))
    torch.testing.assert_close(losses['loss_consistency'], 0.7 * total)
    torch.testing.assert_close(
        losses['loss_cls'], F.cross_entropy(head.fc(MAPS.mean((2, 3))), torch.tensor(LABEL))
    )


def test_consistency_moves_the_maps_and_not_the_classifier():
    head, maps, other = build('FlipConsistencyHead'), MAPS.clone(), torch.randn(N, C, 2, 2)
    maps.requires_grad_()
    other.requires_grad_()
    head.consistency(maps, other).backward()
    assert head.fc.weight.grad is None and min(maps.grad.abs().max(), other.grad.abs().max()) > 0


def test_the_classifier_mirrors_images_in_training_alone():
    model = MODELS.build(
        dict(
            type='FlipViewClassifier',
            backbone=dict(type='ResNet', depth=18, base_channels=8, out_indices=(3,)),
            head=dict(type='FlipConsistencyHead', num_classes=K, in_channels=64),
        )
    )
    images = torch.randn(4, 3, 64, 64)
    losses = model.eval().loss(images, samples(LABEL[:4]))
    maps, mirrored = model.backbone(images)[-1], model.backbone(images.flip(-1))[-1]
    expected = model.head.loss((maps,), samples(LABEL[:4]), flipped=(mirrored,))
    torch.testing.assert_close(losses, expected)
    symmetric = torch.cat([images, images.flip(-1)], -1)
    assert losses['loss_consistency'] > 0 and symmetric.shape[-1] == 128
    calls = []
    model.backbone.register_forward_hook(lambda *_: calls.append(1))
    model.predict(images)
    assert len(calls) == 1


def test_mirrored_images_are_asked_for():
    with pytest.raises(UserError, match='FlipViewClassifier'):
        build('FlipConsistencyHead').loss((MAPS,), samples())


# SCN


def test_importance_scales_logits_and_is_ranked():
    head = build('SelfCureHead', margin=0.9)
    x = MAPS.mean((2, 3))
    a = torch.sigmoid(head.importance(x))[:, 0]
    losses = head.loss((x,), samples())
    logits = torch.stack([a[i] * head.fc(x)[i] for i in range(N)])
    torch.testing.assert_close(losses['loss_cls'], F.cross_entropy(logits, torch.tensor(LABEL)))
    ranked = sorted(a.tolist(), reverse=True)
    expected = 0.9 - (sum(ranked[:7]) / 7 - sum(ranked[7:]) / 3)
    assert losses['loss_rank'].item() == pytest.approx(expected, rel=1e-5)
    apart = torch.tensor([1.0] * 7 + [0.0] * 3)
    assert head.rank_loss(apart) == pytest.approx(0)


def runner_of(head, epoch, said):
    model = torch.nn.Module()
    model.head = head
    loader = SimpleNamespace(dataset=range(N))
    logger = SimpleNamespace(info=said.append)
    return SimpleNamespace(model=model, train_dataloader=loader, epoch=epoch, logger=logger)


def test_doubtful_labels_are_corrected_from_an_epoch_on_and_kept_in_checkpoints():
    head, hook, said = build('SelfCureHead', relabel_epoch=1, relabel_margin=0.2), RelabelHook(), []
    x = MAPS.mean((2, 3))
    hook.before_run(runner_of(head, 0, said))
    hook.before_train_epoch(runner_of(head, 0, said))
    head.loss((x,), samples())
    hook.after_train_epoch(runner_of(head, 0, said))
    assert (head.corrected.new == -1).all() and not said
    head.fc.weight.data *= 20
    head.importance.bias.data.fill_(5)
    hook.before_train_epoch(runner_of(head, 1, said))
    p = head((x,)).softmax(1)
    before = head.loss((x,), samples())['loss_cls']
    expected = [int(p[i].argmax()) if p[i].max() - p[i, y] > 0.2 else -1 for i, y in enumerate(LABEL)]
    assert head.corrected.new.tolist() == expected and -1 in expected and max(expected) >= 0
    hook.after_train_epoch(runner_of(head, 1, said))
    assert said == [f'{sum(e >= 0 for e in expected)} of {N} labels have been corrected']
    now = [y if e < 0 else e for y, e in zip(LABEL, expected)]
    after = head.loss((x,), samples())['loss_cls']
    torch.testing.assert_close(after, F.cross_entropy(head((x,)), torch.tensor(now)))
    assert after < before
    for load in (lambda m, s: m.load_state_dict(s), load_state_dict):
        restored = build('SelfCureHead')
        load(restored, head.state_dict())
        assert restored.corrected.new.tolist() == expected


def test_what_cannot_be_corrected_is_refused():
    head = build('SelfCureHead')
    x = MAPS.mean((2, 3))
    with pytest.raises(UserError, match='label_mode'):
        head.loss((x,), votes(SHARE.expand(N, K)))
    head.corrected.make_room(N)
    with pytest.raises(UserError, match='relabel_epoch=None'):
        head.loss((x,), [DataSample().set_gt_label(y) for y in LABEL])
    with pytest.raises(UserError, match='batch_size'):
        head.loss((x[:1],), samples(LABEL[:1]))


@pytest.mark.parametrize(
    ('kind', 'kwargs'),
    [
        ('GaussianMixtureHead', dict(margin=-1.0)),
        ('SelfCureHead', dict(high_share=1.0)),
        ('SelfCureHead', dict(relabel_margin=-1.0)),
        ('FlipConsistencyHead', dict(consistency_weight=-1.0)),
    ],
)
def test_bad_options(kind, kwargs):
    with pytest.raises(UserError, match=next(iter(kwargs))):
        build(kind, **kwargs)
