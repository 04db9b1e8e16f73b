"""Attention statistics during training, of any attention."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.logging import MessageHub
from mmengine.runner import EpochBasedTrainLoop

from dacl_mm.engine.hooks.center_monitor import CenterMonitorHook, attention_statistics
from dacl_mm.models.losses.center_loss import SparseCenterLoss


def test_statistics_equal_their_definitions():
    attention = torch.tensor([[0.1, 0.6], [0.9, 0.7]])
    values = {k: v.item() for k, v in attention_statistics(attention).items()}
    flat = [0.1, 0.6, 0.9, 0.7]
    mean = sum(flat) / 4
    assert values['attention/mean'] == pytest.approx(mean)
    assert values['attention/spread'] == pytest.approx((sum((a - mean) ** 2 for a in flat) / 3) ** 0.5)
    assert values['attention/share_above_half'] == pytest.approx(0.75)


@pytest.mark.parametrize('length, recorded', [(3, [2]), (4, [3])])
def test_a_short_epoch_is_recorded_at_its_end(length, recorded):
    loss = SparseCenterLoss(2, 3)
    loop = EpochBasedTrainLoop.__new__(EpochBasedTrainLoop)
    hub = MessageHub.get_instance(f'short{length}')
    runner = SimpleNamespace(
        model=torch.nn.ModuleList([loss]), message_hub=hub, train_loop=loop, train_dataloader=range(length)
    )
    hook, seen = CenterMonitorHook(interval=50), []
    for i in range(length):
        loss(torch.randn(4, 3), torch.tensor([0, 1, 0, 1]), torch.rand(4, 3))
        runner.iter = i
        hook.after_train_iter(runner, i)
        scalars = hub.log_scalars.get('train/attention/mean')
        seen += [i] * (scalars is not None and len(scalars.data[0]) > len(seen))
    assert seen == recorded
