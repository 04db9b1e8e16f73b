"""The attention that starts alike, and its controls."""

import math

import numpy as np
import pytest
import torch
from mmpretrain.registry import MODELS

from dacl_mm.models.attention import BankAttention, GlobalAttention, StatisticsAttention, StatisticsMLP

C, D = 3, 4
MAPS = torch.randn(8, C, 2, 3)
SHAPE = dict(in_channels=C, out_channels=D)


def trained(make=StatisticsAttention, **kwargs):
    attention = make(**SHAPE, **kwargs)
    for parameter in attention.parameters():
        torch.nn.init.normal_(parameter)
    return attention


def naive(attention, maps):
    """W2 ReLU(BN(W1 u)) with running statistics, u = [mean, standard deviation]."""
    w1, norm, _ = attention.encoder
    out = np.zeros((len(maps), D))
    for i, image in enumerate(maps.double().numpy()):
        u = []
        for channel in image:
            u.append(sum(channel.ravel()) / channel.size)
        for channel, mean in zip(image, list(u)):
            u.append(math.sqrt(sum((v - mean) ** 2 for v in channel.ravel()) / channel.size + 1e-5))
        hidden = w1.weight.double().detach().numpy() @ u + w1.bias.double().detach().numpy()
        hidden = norm.weight.detach().numpy() * hidden / math.sqrt(1 + norm.eps) + norm.bias.detach().numpy()
        out[i] = attention.last.weight.detach().numpy() @ np.maximum(hidden, 0)
        out[i] += attention.last.bias.detach().numpy()
    return out


def test_it_equals_the_formula():
    mlp = trained(StatisticsMLP).eval()
    np.testing.assert_allclose(mlp(MAPS).detach(), naive(mlp, MAPS), rtol=1e-4, atol=1e-5)
    attention = StatisticsAttention(**SHAPE).eval()
    attention.load_state_dict(mlp.state_dict())
    expected = (0.1 + 1.9 / (1 + np.exp(-naive(mlp, MAPS)))) / 2
    np.testing.assert_allclose(attention(MAPS).detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize('make', [StatisticsAttention, GlobalAttention])
def test_all_weights_are_alike_at_the_start_and_not_after_a_step(make):
    attention = make(**SHAPE)
    torch.nn.Module.apply(attention, lambda m: getattr(m, 'reset_parameters', lambda: None)())
    before = attention(MAPS)
    assert before.shape == (8, D) and torch.equal(before, before[:1, :1].expand(8, D))
    (before * torch.randn(8, D)).sum().backward()
    torch.optim.SGD(attention.parameters(), 1.0).step()
    assert attention(MAPS).std() > 0.01


def test_a_dead_channel_has_a_gradient():
    maps = torch.zeros(4, C, 2, 2, requires_grad=True)
    trained()(maps).sum().backward()
    assert maps.grad.isfinite().all()


def test_statistics_are_float32_under_autocast():
    attention = trained().eval()
    with torch.autocast('cpu', torch.bfloat16):
        assert torch.equal(attention(MAPS.bfloat16()), attention(MAPS.bfloat16().float()))


def test_training_gives_each_image_its_neighbours_weights_and_trains_them():
    bank = BankAttention(**SHAPE)
    torch.nn.init.normal_(bank.attention.last.weight)
    inner = bank.attention(MAPS)
    weights = bank(MAPS)
    torch.testing.assert_close(weights, inner[[7, 0, 1, 2, 3, 4, 5, 6]])
    weights.sum().backward()
    assert bank.attention.last.weight.grad.abs().sum() > 0


def test_test_weights_are_other_images_and_do_not_depend_on_the_batch():
    bank = BankAttention(**SHAPE)
    torch.nn.init.normal_(bank.attention.last.weight)
    written = [bank.attention(MAPS[i : i + 2]).detach() for i in (0, 2, 4, 6)]
    for i in (0, 2, 4, 6):
        bank(MAPS[i : i + 2])
    ring = torch.stack([written[3][0], written[3][1], written[2][1]])  # the 7th weights lie in row 0
    torch.testing.assert_close(bank.bank, ring)
    restored = BankAttention(**SHAPE).eval()
    restored.load_state_dict(bank.state_dict())
    together = restored(MAPS)
    assert torch.equal(together, torch.cat([restored(image[None]) for image in MAPS]))
    assert torch.equal(together.flip(0), restored(MAPS.flip(0)))
    for row, image in zip(together, MAPS):
        assert torch.equal(row, bank.bank[image.mean((1, 2)).argmax()])


def test_the_controls_build_as_any_attention_does():
    for kind in ('StatisticsAttention', 'StatisticsMLP', 'GlobalAttention', 'BankAttention'):
        built = MODELS.build(dict(type=kind, in_channels=C, feat_size=(2, 3), out_channels=D))
        assert built(MAPS).shape == (8, D)
    mlp, attention = StatisticsMLP(), StatisticsAttention()
    assert sum(p.numel() for p in mlp.parameters()) == sum(p.numel() for p in attention.parameters())
    assert 95_000 < sum(p.numel() for p in attention.parameters()) < 101_000
