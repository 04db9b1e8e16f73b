"""The loop that speed is compared with: right mathematics, a whole run, and nothing of this package."""

import re
import subprocess
import sys

import layouts
import numpy as np
import pytest
import torch

from dacl_mm.benchmarks import plain_loop
from dacl_mm.benchmarks.plain_loop import SparseCenter, Training

N, D, K = 7, 5, 4


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    label = np.array([0, 2, 2, 0, 3, 2, 0])  # class 1 is absent
    return rng.normal(size=(N, D)), rng.uniform(size=(N, D)), rng.normal(size=(K, D)), label


def naive_loss(x, a, c, y):
    return sum(a[i, j] * (x[i, j] - c[y[i], j]) ** 2 for i in range(len(x)) for j in range(len(x[0]))) / (
        2 * len(x)
    )


def naive_step(x, a, c, y):
    """The published step of the centres, before alpha."""
    step = np.zeros_like(c)
    for k in range(len(c)):
        members = [i for i in range(len(x)) if y[i] == k]
        step[k] = sum((a[i] * (c[k] - x[i]) for i in members), np.zeros(c.shape[1])) / (1 + len(members))
    return step


def test_center_loss_and_gradients_are_those_of_the_formulas(batch):
    x, a, c, y = batch
    tensors = [torch.tensor(value, requires_grad=True) for value in (x, a, c)]
    loss = SparseCenter.apply(*tensors, torch.tensor(y))
    assert loss.item() == pytest.approx(naive_loss(x, a, c, y), rel=1e-12)
    (0.01 * loss).backward()
    eps = 1e-6
    for value, tensor in zip((x, a), tensors):
        for i, j in ((0, 0), (2, 4), (6, 1)):
            ends = []
            for sign in (1, -1):
                moved = value.copy()
                moved[i, j] += sign * eps
                ends.append(naive_loss(moved if value is x else x, moved if value is a else a, c, y))
            assert tensor.grad[i, j].item() == pytest.approx(0.01 * (ends[0] - ends[1]) / 2 / eps, rel=1e-5)
    # Neither lambda nor the batch size scales the centres' step.
    np.testing.assert_allclose(tensors[2].grad, naive_step(x, a, c, y), rtol=1e-12)


def test_a_step_has_the_published_losses_and_moves_the_centers_by_half():
    training = Training(K, size=32)
    training.model.train()
    images, y = torch.randn(6, 3, 32, 32), torch.tensor([0, 1, 1, 3, 0, 1])
    x, logits, a = (value.detach().double().numpy() for value in training.model(images))
    before = training.centers.detach().double().numpy()
    training.step(images, y)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    softmax, center = -log_p[np.arange(6), y].mean(), naive_loss(x, a, before, y.tolist())
    found = [training.seen[name] for name in ('softmax', 'center', 'total')]
    np.testing.assert_allclose(np.ravel(found), [softmax, center, softmax + 0.01 * center], rtol=1e-5)
    assert training.seen['predicted'] == logits.argmax(1).tolist()
    moved = before - 0.5 * naive_step(x, a, before, y.tolist())
    np.testing.assert_allclose(training.centers.detach(), moved, rtol=1e-4, atol=1e-6)


def test_the_attention_is_the_published_network():
    model = Training(7, size=224).model
    assert sum(p.numel() for p in model.attention.parameters()) == pytest.approx(91.86e6, rel=1e-3)
    attention = model(torch.randn(2, 3, 224, 224))[2]
    assert attention.shape == (2, 512) and attention.min() > 0 and attention.max() < 1


@pytest.mark.slow
def test_a_process_trains_evaluates_and_saves_without_this_package(tmp_path):
    layouts.folder(tmp_path / 'faces')
    command = [sys.executable, '-X', 'importtime', plain_loop.__file__, tmp_path / 'faces', '--out', tmp_path]
    options = ['--epochs', '1', '--batch-size', '16', '--size', '32', '--workers', '1']
    done = subprocess.run([*map(str, command), *options], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    metrics = dict(re.findall(r"'(\w+)': (?:np\.float64\()?([\d.]+)", done.stdout.splitlines()[-1]))
    assert metrics.keys() == {'accuracy', 'recall', 'f1', 'auc_pr', 'auc_roc'}
    assert all(0 <= float(value) <= 1 for value in metrics.values())
    last = torch.load(tmp_path / 'last.pth', weights_only=True)
    assert last['centers'].shape == (7, 512) and last['optimizer']['state']
    assert (tmp_path / 'best.pth').read_bytes() == (tmp_path / 'last.pth').read_bytes()
    imported = {line.split('|')[-1].strip().split('.')[0] for line in done.stderr.splitlines() if '|' in line}
    assert 'torch' in imported and not imported & {'dacl_mm', 'mmengine', 'mmpretrain'}
