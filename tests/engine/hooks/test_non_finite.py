"""Steps that compute a value that is not finite: named, stopped or skipped, and nothing broken stays."""

import re
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import MODELS as ENGINE_MODELS
from mmpretrain.registry import MODELS
from precision_run import CpuAmpOptimWrapper  # noqa: F401  (registers it)
from small_runner import make_runner
from torch import nn

from dacl_mm.engine.hooks import NonFiniteHook
from dacl_mm.engine.launch import files_on_disk
from dacl_mm.errors import UserError

K, C, STEPS = 3, 4, 2  # classes, channels, steps an epoch
NAN = float('nan')


class Breaking(nn.Module):
    """Hands on what it is given, and breaks it or its gradient in given training steps."""

    def __init__(self, module, steps=(), gradient=False):
        super().__init__()
        self.module, self.steps, self.gradient, self.step = module, steps, gradient, 0

    def forward(self, *args, **kwargs):
        value = self.module(*args, **kwargs)
        self.step += self.training
        if not self.training or self.step not in self.steps:
            return value
        if self.gradient:
            value.register_hook(lambda gradient: gradient * NAN)
            return value
        return value * NAN


class Small(BaseModel):
    """DACL's head on a linear layer and BatchNorm as the backbone."""

    def __init__(self, broken=None, steps=()):
        super().__init__(data_preprocessor=ENGINE_MODELS.build(dict(type='BaseDataPreprocessor')))
        self.backbone = nn.Sequential(nn.Linear(3, C), nn.BatchNorm1d(C), nn.Unflatten(1, (C, 1, 1)))
        self.head = MODELS.build(
            dict(
                type='DACLHead',
                num_classes=K,
                in_channels=C,
                feat_size=1,
                attention=dict(type='DACLAttention', hidden_channels=(4, 4)),
                loss_center=dict(type='SparseCenterLoss', loss_weight=0.1),
            )
        )
        if broken == 'feature map':
            self.backbone.append(Breaking(nn.Identity(), steps))
        elif broken == 'attention':
            self.head.attention.encoder.append(Breaking(nn.Identity(), steps))
        elif broken == 'logits':
            self.head.fc = Breaking(self.head.fc, steps)
        elif broken == 'loss_cls':
            self.head.loss_module = Breaking(self.head.loss_module, steps)
        elif broken == 'gradient':
            self.backbone[1] = Breaking(self.backbone[1], steps, gradient=True)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        feats = (self.backbone(inputs),)
        if mode == 'predict':
            return self.head.predict(feats, data_samples)
        return self.head.loss(feats, data_samples)


class Break(Hook):
    """Breaks something before a step."""

    def __init__(self, iteration, what):
        self.iteration, self.what = iteration, what

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.iteration:
            self.what(runner, data_batch)


def break_image(runner, batch):
    batch['inputs'][1, 0] = NAN


def break_weight(runner, batch):
    runner.model.backbone[0].weight.data[0, 0] = NAN


def break_centers(runner, batch):
    runner.model.head.loss_center.centers[0, 0] = NAN


class Named(Hook):
    """Gives the samples of a batch the names of files."""

    priority = 'HIGHEST'

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        for i, sample in enumerate(data_batch['data_samples']):
            sample.set_metainfo(dict(img_path=f'face_{batch_idx}{i}.png'))


class States(Hook):
    """Keeps all that a step changes, after each."""

    priority = 'LOWEST'

    def __init__(self):
        self.seen = []

    def before_train(self, runner):
        self.start = {key: value.clone() for key, value in runner.model.state_dict().items()}

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        weights = {key: value.clone() for key, value in runner.model.state_dict().items()}
        optimizer = [
            state['momentum_buffer'].clone() for state in runner.optim_wrapper.optimizer.state.values()
        ]
        self.seen.append((weights, optimizer))


def runner_of(
    work_dir, model, breaks=(), wrapper=None, hooks=(), epochs=3, fused=False, resume=None, **options
):
    names = ('CenterUpdateHook', 'ReportHook', 'PlainCheckpointHook')
    return make_runner(
        work_dir,
        epochs=epochs,
        model=model,
        resume=resume,
        collate='default_collate',
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9, fused=fused)) | (wrapper or {}),
        custom_hooks=[
            Named(),
            *breaks,
            dict(type='NonFiniteHook', **options),
            *(dict(type=name) for name in names),
            *hooks,
        ],
    )


def stopped(runner) -> str:
    with pytest.raises(UserError) as error, files_on_disk(runner):
        runner.train()
    return str(error.value)


CASES = {
    'input image': (Small, [Break(3, break_image)], r'the input image is not finite: face_11\.png\.'),
    'weights': (Small, [Break(3, break_weight)], r'the weights of backbone\.0\.weight are not finite'),
    'centres': (Small, [Break(3, break_centers)], 'the centres are not finite'),
    'feature map': (lambda: Small('feature map', [4]), [], 'the feature map is not finite'),
    'attention': (lambda: Small('attention', [4]), [], 'the attention is not finite'),
    'logits': (lambda: Small('logits', [4]), [], 'the logits are not finite'),
    'loss_cls': (lambda: Small('loss_cls', [4]), [], 'loss_cls is not finite'),
    'gradient': (
        lambda: Small('gradient', [4]),
        [],
        r'the gradient of backbone\.1\.module\.bias is not finite',
    ),
}


@pytest.mark.promise(
    'Any interruption',
    'NaN in an image, a weight, a centre, the feature map, attention, logits, a loss or a gradient',
    'the training stops before the step; iteration, files and the first broken value are named, weights and '
    'the last checkpoint are whole',
)
@pytest.mark.parametrize('defer', [False, True])
@pytest.mark.parametrize('case', CASES)
def test_the_first_broken_value_is_named_and_enters_nothing(tmp_path, case, defer):
    model, breaks, message = CASES[case]
    states = States()
    runner = runner_of(tmp_path, model(), breaks, hooks=[states], fused=True, defer=defer)
    text = stopped(runner)
    assert re.search(rf'^epoch 2, iteration 2: {message}', text), text
    assert 'face_10.png, face_11.png, face_12.png' in text and f'{tmp_path}/epoch_1.pth' in text
    before = states.seen[2][0]
    for name, value in runner.model.named_parameters():
        if case != 'weights':
            assert torch.equal(value, before[name]), name
    if case != 'centres':
        assert torch.equal(runner.model.head.loss_center.centers, before['head.loss_center.centers'])
    saved = torch.load(tmp_path / 'epoch_1.pth', weights_only=True)['state_dict']
    assert all(value.isfinite().all() for value in saved.values())


def test_several_iterations_that_wait_name_the_first(tmp_path):
    states = States()
    model = Small('feature map', [3])
    runner = runner_of(tmp_path, model, hooks=[states], fused=True, defer=True)
    assert stopped(runner).startswith('epoch 2, iteration 1: the feature map is not finite')
    assert len(states.seen) == 3  # the second epoch's second iteration was looked at, too late for its hooks
    for name, value in runner.model.named_parameters():
        assert torch.equal(value, states.seen[1][0][name]), name


def test_no_autosave_holds_steps_that_were_not_made(tmp_path):
    autosave = dict(type='AutosaveHook', minutes=0)
    runner = runner_of(tmp_path, Small('gradient', [3]), hooks=[autosave], fused=True, defer=True)
    text = stopped(runner)
    assert text.startswith('epoch 2, iteration 1: the gradient of') and f'{tmp_path}/epoch_1.pth' in text
    assert [path.name for path in tmp_path.glob('*.pth') if 'best' not in path.name] == ['epoch_1.pth']


@pytest.mark.parametrize('micro', [1, 2])
@pytest.mark.parametrize('kind', ['OptimWrapper', 'BFloat16OptimWrapper', 'CpuAmpOptimWrapper'])
@pytest.mark.promise(
    'Any interruption',
    "a broken step is skipped (action='skip'), also with accumulated gradients and in 16 bits",
    'weights, centres, momentum, running statistics and the average of the weights stay finite and what they '
    'were; the log counts the step',
)
def test_a_skipped_step_leaves_everything_as_it_was(tmp_path, kind, micro):
    states = States()
    runner = runner_of(
        tmp_path,
        Small('feature map', [2]),
        wrapper=dict(type=kind, accumulative_counts=micro),
        hooks=[states, dict(type='EMAHook', momentum=0.1)],
        action='skip',
    )
    runner.train()
    skipped, before = (states.seen[1][0], states.seen[0][0] if micro == 1 else states.start)
    for name, value in skipped.items():
        assert torch.equal(value, before[name]), name
    if micro == 1:
        for value, its in zip(states.seen[1][1], states.seen[0][1]):
            assert torch.equal(value, its)
    last, momentum = states.seen[-1]
    assert not torch.equal(last['head.fc.weight'], before['head.fc.weight'])
    assert all(value.isfinite().all() for value in [*last.values(), *momentum])
    saved = torch.load(tmp_path / 'epoch_3.pth', weights_only=True)
    assert all(value.isfinite().all() for value in saved['ema_state_dict'].values())
    assert runner.message_hub.get_info('skipped_steps') == 1
    assert runner.message_hub.get_scalar('train/skipped_steps').current() == 1
    losses = runner.message_hub.get_scalar('train/loss').data[0]
    assert len(losses) == 5 and all(map(torch.isfinite, torch.as_tensor(losses)))
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert 'epoch 1, iteration 2: the feature map is not finite: step skipped (face_10.png' in log


def test_skipping_ends_at_the_limit_of_steps_in_a_row(tmp_path):
    broken = Small('gradient', [2, 3, 5, 6, 7])
    runner = runner_of(tmp_path, broken, action='skip', limit=3, epochs=6)
    assert stopped(runner).startswith(
        'epoch 4, iteration 1: the gradient of backbone.1.module.bias is not finite, and the last 3 steps '
        'were skipped'
    )
    assert runner.message_hub.get_info('skipped_steps') == 5


def test_the_count_goes_on_when_resumed(tmp_path):
    runner_of(tmp_path, Small('logits', [2]), action='skip', epochs=1).train()
    resumed = runner_of(
        tmp_path, Small('logits', [1]), action='skip', epochs=2, resume=tmp_path / 'epoch_1.pth'
    )
    resumed.train()
    assert resumed.message_hub.get_info('skipped_steps') == 2


@pytest.mark.parametrize('fused', [False, True])
@pytest.mark.promise(
    'Any precision',
    'a loss scaler meets an infinite gradient and leaves the step out',
    'centres stay too, and training goes on at a lower scale',
)
def test_centers_stay_where_a_loss_scaler_leaves_the_step_out(tmp_path, fused):
    states = States()
    runner = runner_of(
        tmp_path,
        Small('gradient', [3]),
        wrapper=dict(type='CpuAmpOptimWrapper', loss_scale=64.0),
        hooks=[states],
        fused=fused,
    )
    runner.train()
    moved = [
        not torch.equal(after['head.loss_center.centers'], before['head.loss_center.centers'])
        for (before, _), (after, _) in zip(states.seen, states.seen[1:])
    ]
    assert moved == [True, False, True, True, True]
    assert torch.equal(states.seen[2][0]['head.fc.weight'], states.seen[1][0]['head.fc.weight'])
    assert runner.optim_wrapper.loss_scaler.get_scale() == 32
    assert runner.message_hub.get_info('skipped_steps') is None


def test_gradients_that_no_loss_scale_makes_finite_stop(tmp_path):
    model = Small('gradient', range(1, 1000))
    runner = runner_of(tmp_path, model, wrapper=dict(type='CpuAmpOptimWrapper', loss_scale=2e-6), epochs=9)
    assert 'gradients are not finite at any loss scale' in stopped(runner)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(action='ignore'), 'stop or skip'),
        (dict(limit=0), 'at least 1'),
        (dict(action='skip', defer=True), 'defer=True'),
    ],
)
def test_options_that_it_lacks_are_named(options, message):
    with pytest.raises(UserError, match=message):
        NonFiniteHook(**options)


def test_a_longer_history_than_the_log_keeps_hides_nothing(tmp_path):
    runner = runner_of(tmp_path, Small('loss_cls', [4]))
    for key in ('loss', 'loss_cls', 'loss_center'):
        runner.message_hub.update_scalar(f'train/{key}', 1.0)
        runner.message_hub.get_scalar(f'train/{key}').max_length = 1
    assert 'epoch 2, iteration 2: loss_cls is not finite' in stopped(runner)
