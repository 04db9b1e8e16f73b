"""Sharpness-aware steps against loops in float64."""

import math

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample
from small_runner import Points, make_runner

from dacl_mm.engine.sam import SAMOptimWrapper
from dacl_mm.errors import UserError

LR, RHO = 0.1, 0.5


class Weights(Hook):
    def __init__(self):
        self.steps = []

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        self.steps.append(runner.model.fc.weight.detach().double().clone())


def gradient(weight, bias, points, labels):
    """Of the mean cross-entropy of a softmax classifier: (K, d) and (K,), as nested lists."""
    grad, grad_bias = [[0.0] * 3 for _ in range(3)], [0.0] * 3
    for x, y in zip(points, labels):
        logits = [sum(weight[k][j] * x[j] for j in range(3)) + bias[k] for k in range(3)]
        total = sum(math.exp(z) for z in logits)
        for k in range(3):
            slope = (math.exp(logits[k]) / total - (k == y)) / len(points)
            grad_bias[k] += slope
            for j in range(3):
                grad[k][j] += slope * x[j]
    return grad, grad_bias


def sam_step(weight, bias, points, labels):
    grad, grad_bias = gradient(weight, bias, points, labels)
    norm = math.sqrt(sum(g * g for row in [*grad, grad_bias] for g in row))
    worst = [[w + RHO * g / norm for w, g in zip(*rows)] for rows in zip(weight, grad)]
    worst_bias = [b + RHO * g / norm for b, g in zip(bias, grad_bias)]
    grad, grad_bias = gradient(worst, worst_bias, points, labels)
    weight = [[w - LR * g for w, g in zip(*rows)] for rows in zip(weight, grad)]
    return weight, [b - LR * g for b, g in zip(bias, grad_bias)]


def test_steps_are_those_of_the_paper(tmp_path):
    noted = Weights()
    wrapper = dict(type='SAMOptimWrapper', rho=RHO, optimizer=dict(type='SGD', lr=LR))
    runner = make_runner(tmp_path, epochs=2, optim_wrapper=wrapper, custom_hooks=[noted])
    weight, bias = runner.model.fc.weight.tolist(), runner.model.fc.bias.tolist()
    runner.train()
    data = Points()
    for step in range(4):
        batch = [data[i] for i in range(3 * (step % 2), 3 * (step % 2) + 3)]
        assert torch.allclose(noted.steps[step], torch.tensor(weight, dtype=torch.float64), atol=1e-6)
        points = [item['inputs'].tolist() for item in batch]
        weight, bias = sam_step(weight, bias, points, [int(item['data_samples'].gt_label) for item in batch])
    assert torch.allclose(
        runner.model.fc.weight.double(), torch.tensor(weight, dtype=torch.float64), atol=1e-6
    )
    assert torch.allclose(runner.model.fc.bias.double(), torch.tensor(bias, dtype=torch.float64), atol=1e-6)


def step_of_dacl(wrapper):
    """One step of a small network with BatchNorm and class centres; the centres stay to be moved."""
    torch.manual_seed(0)
    head = dict(type='DACLHead', num_classes=3, in_channels=8, feat_size=2)
    head['attention'] = dict(type='ConstantAttention', value=1.0)
    model = MODELS.build(
        dict(
            type='ImageClassifier',
            backbone=dict(type='SEResNetCIFAR', depth=18, stem_channels=1, base_channels=1),
            head=head,
        )
    )
    model.init_weights()
    samples = [DataSample().set_gt_label(i % 3) for i in range(6)]
    batch = dict(inputs=[torch.randint(0, 256, (3, 16, 16)) for _ in samples], data_samples=samples)
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    model.train()
    model.train_step(batch, wrapper(optimizer=optimizer))
    return model


def test_statistics_are_of_the_first_pass():
    plain, sharp = step_of_dacl(OptimWrapper), step_of_dacl(SAMOptimWrapper)
    for own, its in zip(plain.buffers(), sharp.buffers(), strict=True):
        assert torch.equal(own, its)
    assert not torch.equal(plain.head.fc.weight, sharp.head.fc.weight)
    assert int(sharp.backbone.bn1.num_batches_tracked) == 1
    for model in (plain, sharp):
        model.head.loss_center.update_centers()
    assert torch.equal(plain.head.loss_center.centers, sharp.head.loss_center.centers)


def test_rho_zero_is_the_plain_step():
    plain, sharp = step_of_dacl(OptimWrapper), step_of_dacl(lambda **kw: SAMOptimWrapper(rho=0.0, **kw))
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), sharp.parameters(), strict=True))


def test_bfloat16_computes_both_passes_in_it():
    model = step_of_dacl(lambda **kw: SAMOptimWrapper(bfloat16=True, **kw))
    exact = step_of_dacl(SAMOptimWrapper)
    gap = max((a - b).abs().max().item() for a, b in zip(model.parameters(), exact.parameters(), strict=True))
    assert 0 < gap < 0.02 and all(p.dtype == torch.float32 for p in model.parameters())


@pytest.mark.parametrize(
    ('options', 'message'),
    [(dict(rho=-1), 'rho .* not be negative, got -1'), (dict(accumulative_counts=2), 'accumulative_counts')],
)
def test_options_are_checked(options, message):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)
    with pytest.raises(UserError, match=message):
        SAMOptimWrapper(optimizer=optimizer, **options)
