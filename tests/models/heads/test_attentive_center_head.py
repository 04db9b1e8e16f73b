"""The head whose centres compete, and what its hooks do."""

import os
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from dacl_mm.engine.hooks import ClassMeansHook, ClassPriorHook, LossRampHook
from dacl_mm.errors import UserError

K, C = 3, 8
MAPS = torch.randn(12, C, 2, 2)
LABELS = [0, 1, 2, 1, 0, 0, 1, 2, 2, 0, 0, 0]
SHARES = torch.tensor([0.5, 0.3, 0.2])


def samples(labels=LABELS):
    return [DataSample().set_gt_label(y) for y in labels]


def build(**kwargs):
    head = MODELS.build({**dict(type='AttentiveCenterHead', num_classes=K, in_channels=C), **kwargs})
    torch.nn.init.normal_(head.centers.weight, std=0.3)
    head.prior.set(SHARES)
    return head


def trained(**kwargs):
    head = build(**kwargs)
    torch.nn.init.normal_(head.attention.last.weight)
    head.norm.running_mean.uniform_(-0.5, 0.5)
    head.norm.running_var.uniform_(0.5, 2)
    return head


def test_loss_equals_its_formula():
    head = trained(tau=0.7, loss_weight=0.4).double()
    head.ramp.fill_(0.25)
    maps = MAPS.double()
    losses = head.loss((maps,), samples())
    h = maps.mean((2, 3))
    z = (h - h.mean(0)) / (h.var(0, correction=0) + head.norm.eps).sqrt()
    g = head.attention(maps)
    total, nu = 0.0, head.centers.log_nu.exp()
    for i, y in enumerate(LABELS):
        a = g[i] / (g[i].sum() / C)
        scores = []
        for k in range(K):
            distance = sum(a[j] * (z[i, j] - head.centers.weight[k, j]) ** 2 for j in range(C))
            scores.append(-nu * torch.log(distance + 1e-6) + 0.7 * torch.log(SHARES[k].double()))
        total -= (scores[y] - torch.logsumexp(torch.stack(scores), 0)) / len(LABELS)
    torch.testing.assert_close(losses['loss_center'], 0.25 * 0.4 * total, rtol=1e-5, atol=1e-7)
    expected = F.cross_entropy(head.fc(h), torch.tensor(LABELS))
    torch.testing.assert_close(losses['loss_cls'], expected)
    assert set(losses) == {'loss_cls', 'loss_center'}


def test_learned_and_fixed_attention_begin_alike():
    torch.manual_seed(1)
    learned = build()
    fixed = build(attention=dict(type='ConstantAttention', value=1.0))
    mlp = build(attention=dict(type='ConstantAttention'), residual=dict(type='StatisticsMLP'))
    for other in (fixed, mlp):
        own = other.state_dict()
        own.update({k: v for k, v in learned.state_dict().items() if k in own and 'attention' not in k})
        other.load_state_dict(own)
        for name, value in other.loss((MAPS,), samples()).items():
            torch.testing.assert_close(value, learned.loss((MAPS,), samples())[name])


def test_gradients_reach_everything_that_learns():
    head = trained(residual=dict(type='StatisticsMLP'))
    maps = MAPS.clone().requires_grad_()
    sum(head.loss((maps,), samples()).values()).backward()
    assert maps.grad.abs().sum() > 0
    assert all(p.grad is not None for p in head.parameters())


def test_votes_equal_labels_where_they_agree_and_are_used_where_not():
    head = build().eval()
    one_hot = [DataSample().set_gt_score(F.one_hot(torch.tensor(y), K).float()) for y in LABELS]
    hard = head.loss((MAPS,), samples())
    for name, value in head.loss((MAPS,), one_hot).items():
        torch.testing.assert_close(value, hard[name])
    votes = [DataSample().set_gt_label(y).set_gt_score(SHARES) for y in LABELS]
    same = head.loss((MAPS,), [DataSample().set_gt_label(0).set_gt_score(SHARES) for _ in LABELS])
    torch.testing.assert_close(head.loss((MAPS,), votes)['loss_center'], same['loss_center'])


@pytest.mark.parametrize('predict_by', ['classifier', 'centers', 'both'])
def test_predictions_do_not_depend_on_the_batch(predict_by):
    for attention in (dict(type='StatisticsAttention'), dict(type='BankAttention')):
        head = build(attention=attention, predict_by=predict_by)
        with torch.no_grad():
            for _ in range(3):
                head.loss((MAPS,), samples())
        head.eval()
        together = torch.stack([s.pred_score for s in head.predict((MAPS,))])
        alone = torch.stack([head.predict((image[None],))[0].pred_score for image in MAPS])
        torch.testing.assert_close(together, alone)


def test_only_the_ratios_of_the_weights_count():
    constants = (dict(type='ConstantAttention', value=value) for value in (0.2, 1.0))
    first, second = (build(attention=a, centers=dict(type='GaussianCenters')).eval() for a in constants)
    second.load_state_dict(first.state_dict())
    torch.testing.assert_close(*(head.loss((MAPS,), samples())['loss_center'] for head in (first, second)))


def test_what_predicts():
    heads = {how: trained(predict_by=how).eval() for how in ('classifier', 'centers', 'both')}
    for head in heads.values():
        head.load_state_dict(heads['both'].state_dict())
    feats = (MAPS,)
    classifier, centers, both = (heads[how](feats).log_softmax(1) for how in heads)
    torch.testing.assert_close(classifier, heads['both'].fc(MAPS.mean((2, 3))).log_softmax(1))
    torch.testing.assert_close(heads['both'](feats), (classifier + centers) / 2)
    torch.testing.assert_close(both, ((classifier + centers) / 2).log_softmax(1))
    alone = heads['classifier']
    for name in alone.training_only:
        delattr(alone, name)
    torch.testing.assert_close(alone(feats).log_softmax(1), classifier)
    del heads['both'].prior
    heads['both'](feats)


def test_scores_are_float32_under_autocast():
    head = trained().eval()
    head.centers.collecting = True
    embedding = head.pre_logits((MAPS,))
    with torch.autocast('cpu', torch.bfloat16):
        scores = head.scores((MAPS,), embedding)
        losses = head.loss((MAPS,), samples())
    sums = head.centers.sums.clone()
    assert torch.equal(scores, head.scores((MAPS,), embedding))
    torch.testing.assert_close(losses['loss_center'], head.loss((MAPS,), samples())['loss_center'])
    torch.testing.assert_close(head.centers.sums, 1.99 * sums)


def runner_of(head, labels=LABELS, epoch=0, decay=0.0):
    model = torch.nn.Module()
    model.head = head
    dataset = SimpleNamespace(get_gt_labels=lambda: np.array(labels), CLASSES=('a', 'b', 'c'))
    groups = [
        dict(params=[p], weight_decay=decay if 'centers' in n else 5e-4) for n, p in model.named_parameters()
    ]

    class Loader(list):
        pass

    loader = Loader(range(10))
    loader.dataset = dataset
    wrapper = SimpleNamespace(param_groups=groups)
    return SimpleNamespace(model=model, train_dataloader=loader, epoch=epoch, iter=0, optim_wrapper=wrapper)


def test_the_prior_comes_from_the_training_labels():
    head = MODELS.build(dict(type='AttentiveCenterHead', num_classes=K, in_channels=C))
    with pytest.raises(UserError, match='ClassPriorHook'):
        head.loss((MAPS,), samples())
    ClassPriorHook().before_train(runner_of(head, [0, 0, 0, 1]))
    torch.testing.assert_close(head.prior(), torch.tensor([3 / 5, 1 / 5, 1 / 5]))
    with pytest.raises(UserError, match='num_classes'):
        head.prior.set(torch.ones(4) / 4)


def test_the_prior_is_that_of_the_votes():
    from dacl_mm.datasets.class_shares import class_shares
    from dacl_mm.datasets.labels import EXPRESSIONS
    from dacl_mm.datasets.table import Records, SampleTable

    scores = np.zeros((2, len(EXPRESSIONS)), np.float32)
    scores[0, [0, 1, 7]], scores[1, 2] = [3, 1, 4], 10  # the last is of no class here
    table = SampleTable.from_rows(
        '', [('a.png', EXPRESSIONS[0], 1), ('b.png', EXPRESSIONS[2], 2)], scores=scores
    )
    dataset = SimpleNamespace(data_list=Records(table, np.array([0, 2]), [0, 1, 2]), CLASSES=('a', 'b', 'c'))
    torch.testing.assert_close(
        torch.from_numpy(class_shares([dataset])).float(), torch.tensor([0.375, 0.125, 0.5])
    )


def test_the_loss_rises_over_its_epochs():
    head = build(ramp_epochs=2)
    runner, hook = runner_of(head), LossRampHook()
    hook.before_train(runner)
    for iteration, expected in ((0, 0.05), (9, 0.5), (19, 1.0), (40, 1.0)):
        runner.iter = iteration
        hook.before_train_iter(runner, 0)
        assert head.ramp.item() == pytest.approx(expected)
    at_once = build(ramp_epochs=0)
    hook.before_train(runner := runner_of(at_once))
    hook.before_train_iter(runner, 0)
    assert at_once.ramp == 1


def test_centers_are_set_to_the_means_of_the_first_epoch_once():
    head, hook = build(), ClassMeansHook()
    runner = runner_of(head)
    hook.before_train(runner)
    head.loss((MAPS,), samples())
    hook.after_train_epoch(runner)
    h = MAPS.mean((2, 3))
    z = (h - h.mean(0)) / (h.var(0, correction=0) + head.norm.eps).sqrt()
    means = torch.stack([z[torch.tensor(LABELS) == k].mean(0) for k in range(K)])
    torch.testing.assert_close(head.centers.weight.data, means)
    head.centers.weight.data.zero_()
    runner.epoch = 1
    head.loss((MAPS,), samples())
    hook.after_train_epoch(runner)
    assert head.centers.weight.abs().sum() == 0
    later = build()
    hook.before_train(runner_of(later, epoch=3))
    assert not later.centers.collecting


def test_decayed_centers_are_refused_with_the_key():
    with pytest.raises(UserError, match=r'custom_keys\.centers\.decay_mult=0\.0'):
        ClassMeansHook().before_train(runner_of(build(), decay=5e-4))


@pytest.mark.parametrize(
    ('kwargs', 'message'),
    [
        (dict(predict_by='centres'), 'predict_by'),
        (dict(loss_weight=-1), 'loss_weight'),
        (dict(attention=dict(type='StatisticsAttention', out_channels=9)), 'attention'),
        (dict(residual=dict(type='StatisticsMLP', out_channels=9)), 'residual'),
        (dict(centers=dict(type='RatioCenters', num_classes=4)), 'centres'),
    ],
)
def test_bad_options(kwargs, message):
    with pytest.raises(UserError, match=message):
        build(**kwargs)


def test_a_single_image_cannot_be_normalised():
    with pytest.raises(UserError, match='drop_last'):
        build().loss((MAPS[:1],), samples([0]))


def _rank(rank, file, out):
    os.environ.update(MASTER_ADDR='localhost', RANK=str(rank), WORLD_SIZE='2')
    torch.distributed.init_process_group('gloo', init_method=f'file://{file}', rank=rank, world_size=2)
    from dacl_mm.models.attention import BankAttention
    from dacl_mm.models.centers import RatioCenters

    centers, bank = RatioCenters(2, 3), BankAttention(in_channels=C, out_channels=C)
    torch.nn.init.normal_(bank.attention.last.weight)
    centers.collecting = True
    z = torch.arange(12.0).view(4, 3)[2 * rank : 2 * rank + 2]
    centers.collect(z, F.one_hot(torch.tensor([0, rank]), 2).float())
    centers.set_to_means()
    bank(torch.randn(4, C, 2, 2, generator=torch.Generator().manual_seed(rank)))
    torch.save((centers.weight.data, bank.bank), f'{out}{rank}')
    torch.distributed.destroy_process_group()


def test_two_processes_have_one_set_of_means_and_one_bank(tmp_path):
    torch.multiprocessing.spawn(_rank, (tmp_path / 'store', str(tmp_path / 'out')), 2)
    (means, bank), (other_means, other_bank) = (torch.load(f'{tmp_path}/out{rank}') for rank in (0, 1))
    z = torch.arange(12.0).view(4, 3)
    torch.testing.assert_close(means, torch.stack([z[:3].mean(0), z[3]]))
    assert torch.equal(means, other_means)
    assert torch.equal(bank, other_bank) and (bank != 1).any()
