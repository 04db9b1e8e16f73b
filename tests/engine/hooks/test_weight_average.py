"""The running average of the weights."""

from types import SimpleNamespace

import pytest
import torch
from mmengine.hooks import Hook
from small_runner import make_runner

from dacl_mm.engine.hooks import WeightAverageHook
from dacl_mm.errors import UserError


class Weights(Hook):
    """Notes the weights after each step, and those that are validated."""

    priority = 'ABOVE_NORMAL'

    def __init__(self):
        self.steps, self.validated = [], []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        self.steps.append(runner.model.fc.weight.detach().double().clone())

    def before_val_iter(self, runner, batch_idx, data_batch=None):
        self.validated.append(runner.model.fc.weight.detach().clone())


def train(folder, decay=0.8, epochs=3, **kwargs):
    weights = Weights()
    runner = make_runner(
        folder,
        epochs,
        custom_hooks=[WeightAverageHook(decay), weights, dict(type='PlainCheckpointHook')],
        **kwargs,
    )
    runner.train()
    return runner, weights


def test_it_is_what_is_validated_and_saved(tmp_path):
    """Against a float64 loop; after 40 steps the decay of 0.8 takes over from the warm-up."""
    _, weights = train(tmp_path, epochs=25)
    average, per_epoch = None, []
    for step, weight in enumerate(weights.steps, 1):
        share = max(1 - 0.8, 10 / (10 + step))
        average = weight if average is None else (1 - share) * average + share * weight
        per_epoch.append(average)
    assert torch.allclose(weights.validated[-1].double(), average, atol=1e-6)
    assert torch.allclose(weights.validated[0].double(), per_epoch[1], atol=1e-6)
    saved = torch.load(tmp_path / 'epoch_25.pth', weights_only=True)['state_dict']['fc.weight']
    assert torch.equal(saved, weights.validated[-1])
    assert not torch.allclose(saved.double(), weights.steps[-1], atol=1e-4)


def test_buffers_are_averaged_too(tmp_path):
    model = torch.nn.Linear(1, 1)
    model.register_buffer('statistic', torch.zeros(()))
    hook = WeightAverageHook(decay=0.5)
    runner = SimpleNamespace(model=model, _resume=False, iter=0, message_hub=None)
    hook.before_run(SimpleNamespace(**vars(runner) | dict(_resume=True)))
    model.statistic.fill_(1.0)
    hook.ema_model.steps.fill_(1)
    hook.after_train_iter(runner, 0)
    assert hook.ema_model.module.statistic == pytest.approx(10 / 11)


def test_decay_zero_averages_nothing(tmp_path):
    _, weights = train(tmp_path, decay=0.0)
    assert torch.equal(weights.validated[-1].double(), weights.steps[-1])


def test_resumed_it_goes_on(tmp_path):
    whole, _ = train(tmp_path / 'whole')
    train(tmp_path / 'parts', epochs=2)
    rest, weights = train(tmp_path / 'parts', resume=tmp_path / 'parts' / 'epoch_2.pth')
    assert len(weights.steps) == 2
    ends = [
        torch.load(f / 'epoch_3.pth', weights_only=True) for f in (tmp_path / 'whole', tmp_path / 'parts')
    ]
    for key in ('state_dict', 'ema_state_dict'):
        assert all(torch.equal(value, ends[1][key][name]) for name, value in ends[0][key].items())
    assert torch.equal(whole.model.fc.weight, rest.model.fc.weight)


def test_a_test_takes_the_weights_as_they_were_saved(tmp_path):
    train(tmp_path)
    weights = Weights()
    runner = make_runner(
        tmp_path / 'test',
        custom_hooks=[WeightAverageHook(), weights],
        test_dataloader=dict(
            batch_size=3,
            dataset=make_runner(tmp_path / 'other').val_dataloader.dataset,
            sampler=dict(type='DefaultSampler', shuffle=False),
            collate_fn=dict(type='pseudo_collate'),
        ),
        test_evaluator=dict(type='Accuracy'),
        test_cfg=dict(),
        load_from=str(tmp_path / 'epoch_3.pth'),
    )
    runner.test()
    saved = torch.load(tmp_path / 'epoch_3.pth', weights_only=True)['state_dict']['fc.weight']
    assert torch.equal(runner.model.fc.weight, saved)


def test_a_decay_of_one_is_refused():
    with pytest.raises(UserError, match=r'decay of WeightAverageHook must lie in \[0, 1\), got 1'):
        WeightAverageHook(1)
