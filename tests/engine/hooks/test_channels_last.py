"""Layout in memory: what is computed stays."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper
from torch import nn

from dacl_mm.engine.hooks.channels_last import ChannelsLastHook


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = [
        nn.Conv2d(3, 8, 3),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 4, 3),
        nn.Flatten(),
        nn.LazyLinear(2),
    ]
    net = nn.Sequential(*layers).double()
    net(torch.zeros(2, 3, 8, 8, dtype=torch.double))
    return net


def step(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    images = torch.randn(4, 3, 8, 8, dtype=torch.double, generator=torch.Generator().manual_seed(seed))
    loss = net(images).square().sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


@pytest.mark.parametrize('options', [dict(), dict(fused=True), dict(foreach=True)])
def test_training_goes_on_as_before_from_states_of_another_layout(options):
    nets = [network(), network()]
    optimizers = [torch.optim.SGD(net.parameters(), 0.01, momentum=0.9, **options) for net in nets]
    for net, optimizer in zip(nets, optimizers):
        step(net, optimizer, 0)
    runner = SimpleNamespace(model=nets[1], optim_wrapper=OptimWrapper(optimizers[1]))
    ChannelsLastHook().before_train(runner)
    weight = nets[1][0].weight
    assert weight.is_contiguous(memory_format=torch.channels_last) and not weight.is_contiguous()
    assert optimizers[1].state[weight]['momentum_buffer'].stride() == weight.stride()
    for net, optimizer in zip(nets, optimizers):
        step(net, optimizer, 1)
        step(net, optimizer, 2)
    for a, b in zip(nets[0].state_dict().values(), nets[1].state_dict().values()):
        torch.testing.assert_close(a, b, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize('moment', ['before_val', 'before_test'])
def test_evaluation_alone_lays_out_weights_too(moment):
    net = network().eval()
    images = torch.randn(2, 3, 8, 8, dtype=torch.double)
    expected = net(images)
    getattr(ChannelsLastHook(), moment)(SimpleNamespace(model=net))
    assert net[3].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(net(images), expected, rtol=1e-10, atol=1e-12)
