"""Trainings that a signal stops after any step, and that go on as if nothing had been."""

import os
import random
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.hooks import Hook
from same_run import assert_same_run, scalars
from small_runner import Linear, Points, make_runner

from dacl_mm.engine.checkpoint.resume import latest_checkpoint
from dacl_mm.engine.launch import files_on_disk
from dacl_mm.engine.stop import STOP, Interrupted
from dacl_mm.errors import UserError
from dacl_mm.models.losses import SparseCenterLoss

HOOKS = [dict(type=name) for name in ('NonFiniteHook', 'ReportHook', 'PlainCheckpointHook')]


class Noisy(Linear):
    """Its loss draws from all three global generators, as dropout and mixup do; it has centres."""

    def __init__(self):
        torch.manual_seed(0)
        super().__init__()
        self.norm = torch.nn.BatchNorm1d(3)
        self.loss_center = SparseCenterLoss(3, 3)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        outputs = super().forward(list(self.norm(torch.stack(inputs))), data_samples, mode)
        if mode == 'loss':
            outputs['loss_cls'] *= torch.rand(()) + np.random.rand() + random.random()
            label = torch.cat([sample.gt_label for sample in data_samples])
            outputs['loss_center'] = self.loss_center(torch.stack(inputs), label, torch.rand(len(label), 3))
        return outputs


class Signal(Hook):
    """Sends a signal to its own process at one point of an iteration, counted from 0."""

    priority = 'VERY_HIGH'

    def __init__(self, at: int, point: str, number: int):
        self.at, self.number = at, number
        setattr(self, point, self._send)

    def _send(self, runner, *args, **kwargs):
        if runner.iter == self.at:
            os.kill(os.getpid(), self.number)


class Reads(Points):
    """Twelve points, of which it keeps in which order they are read."""

    def __init__(self):
        super().__init__()
        self.read: list[int] = []

    def __len__(self):
        return 12

    def get_gt_labels(self):
        return np.array([0] * 6 + [1] * 4 + [2] * 2)

    def __getitem__(self, i):
        self.read.append(i)
        return super().__getitem__(i % 6)


def noisy(work: Path, resume: bool = False, **options):
    """Build a runner of four iterations an epoch."""
    loader = dict(
        batch_size=3,
        dataset=Reads(),
        sampler=dict(type='ShuffleSampler'),
        collate_fn=dict(type='pseudo_collate'),
        num_workers=0,
        drop_last=True,
    )
    loader |= options.pop('loader', {})
    source = latest_checkpoint(work) if resume else None
    assert source or not resume
    hooks = [*HOOKS, dict(type='CenterUpdateHook'), dict(type='CenterMonitorHook', interval=3)]
    more = [*hooks, *options.pop('hooks', [])]
    options = dict(val_evaluator=dict(type='Accuracy', topk=(1,))) | options  # draws no picture
    return make_runner(
        work, model=Noisy(), resume=source, train_dataloader=loader, custom_hooks=more, **options
    )


@pytest.fixture(scope='module')
def undisturbed(tmp_path_factory):
    """Return the work dir of a training that nothing stops: one for each variant."""
    made: dict[str, Path] = {}

    def train(variant: str = '', **options) -> Path:
        if variant not in made:
            made[variant] = tmp_path_factory.mktemp('whole')
            noisy(made[variant], **options).train()
        return made[variant]

    return train


def stopped(runner, at: int, point: str = 'before_train_iter', number: int = signal.SIGTERM) -> str:
    """Train until a signal has stopped it; return what is said."""
    runner.register_hook(Signal(at, point, number))
    with pytest.raises(Interrupted) as stop, STOP.listening(), files_on_disk(runner):
        runner.train()
    assert not STOP.made()
    return str(stop.value)


@pytest.mark.promise(
    'Any interruption',
    'SIGTERM or Ctrl-C in any iteration',
    'the step is finished and saved; resumed, it ends bit-identical: weights, centres, optimizer, '
    'random states, log, best checkpoint',
)
@pytest.mark.parametrize(
    ('at', 'number'), [*((at, signal.SIGTERM) for at in (1, 2, 3, 6, 11)), (5, signal.SIGINT)]
)
def test_stopped_in_any_iteration_it_goes_on_to_the_same_end(tmp_path, undisturbed, at, number):
    whole, cut = undisturbed(), tmp_path
    assert f'iteration {at + 1}, and saved' in stopped(noisy(cut), at, number=number)
    noisy(cut, resume=True).train()
    assert_same_run(whole, cut)


VARIANTS = {
    'accumulated gradients': dict(
        optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.1), accumulative_counts=3)
    ),
    'EMA': dict(hooks=[dict(type='EMAHook', momentum=0.1, update_buffers=True)]),
    'a schedule by iterations': dict(
        param_scheduler=dict(type='CosineAnnealingLR', T_max=12, by_epoch=False)
    ),
    'BalancedSampler': dict(loader=dict(sampler=dict(type='BalancedSampler'))),
    'loader processes': dict(loader=dict(num_workers=2)),
    'lasting loader processes': dict(loader=dict(num_workers=2, persistent_workers=True)),
    'no validation': dict(
        val_dataloader=None, val_cfg=None, val_evaluator=None, settings=dict(selection_metric=None)
    ),
    'Adam': dict(optim_wrapper=dict(optimizer=dict(type='AdamW', lr=0.01), clip_grad=dict(max_norm=1.0))),
    'a loop by iterations': dict(
        train_cfg=dict(by_epoch=False, max_iters=11, val_interval=5),
        checkpoint=dict(by_epoch=False, interval=4),
    ),
    'InfiniteSampler': dict(
        train_cfg=dict(by_epoch=False, max_iters=11, val_interval=5),
        checkpoint=dict(by_epoch=False, interval=4),
        loader=dict(sampler=dict(type='InfiniteSampler'), num_workers=1),
    ),
    'checkpoints by iterations': dict(checkpoint=dict(by_epoch=False, interval=3)),
}


@pytest.mark.promise(
    'Any interruption',
    'stopped inside an epoch with accumulation, EMA, BalancedSampler, loader processes, a loop by iterations',
    'resumed, it ends bit-identical',
)
@pytest.mark.parametrize('at', [1, 6])
@pytest.mark.parametrize('variant', VARIANTS)
def test_whatever_the_training_is_made_of(tmp_path, undisturbed, variant, at):
    whole, cut = undisturbed(variant, **VARIANTS[variant]), tmp_path
    stopped(noisy(cut, **VARIANTS[variant]), at)
    noisy(cut, resume=True, **VARIANTS[variant]).train()
    assert_same_run(whole, cut)


class Kill(Hook):
    """Ends the run as SIGKILL does, at the end of an epoch."""

    priority = 'LOWEST'

    def after_train_epoch(self, runner):
        if runner.epoch == 1:
            raise RuntimeError('killed')


def test_an_epoch_that_ends_amid_accumulation_keeps_its_gradients(tmp_path, undisturbed):
    """Eight iterations make two steps of three and two gradients of the next."""
    name = 'accumulated gradients'
    whole, cut = undisturbed(name, **VARIANTS[name]), tmp_path
    runner = noisy(cut, **VARIANTS[name])
    runner.register_hook(Kill())
    with pytest.raises(RuntimeError, match='killed'), files_on_disk(runner):
        runner.train()
    saved = torch.load(cut / 'epoch_2.pth', weights_only=True)['processes'][0]
    assert saved['gradients']['fc.weight'].abs().sum() > 0 and saved['center_sums'][0][1].sum() == 6
    noisy(cut, resume=True, **VARIANTS[name]).train()
    assert_same_run(whole, cut)


def test_skipped_images_are_not_read(tmp_path):
    runner = noisy(tmp_path)
    data = runner.train_dataloader.dataset
    stopped(runner, 2)
    again = noisy(tmp_path, resume=True, epochs=1)
    again.train()
    assert len(data.read) == 9 and sorted(data.read + again.train_dataloader.dataset.read) == list(range(12))


@pytest.mark.promise(
    'Any interruption',
    'a signal during validation',
    'a saved epoch is left at once; resumed, it is validated, and the end is the same',
)
@pytest.mark.parametrize(
    ('point', 'interval'), [('before_val_iter', 1), ('before_val_iter', 2), ('after_val_epoch', 1)]
)
def test_stopped_during_validation(tmp_path, point, interval):
    options = dict(checkpoint=dict(interval=interval))
    whole, cut = tmp_path / 'whole', tmp_path / 'cut'
    noisy(whole, **options).train()
    assert 'after epoch 1, iteration 4' in stopped(noisy(cut, **options), 4, point)
    broken_off = interval == 1 and point == 'before_val_iter'
    assert len(scalars(cut)) == (1 if broken_off else 2)
    name = 'epoch_1.pth' if interval == 1 else 'autosave_epoch_1_iter_0.pth'
    assert latest_checkpoint(cut) == cut / name
    noisy(cut, resume=True, **options).train()
    assert_same_run(whole, cut)


@pytest.mark.promise(
    'Any interruption', 'a signal before the first step', 'it ends at once; there is nothing to save'
)
@pytest.mark.parametrize('point', ['before_run', 'before_train', 'before_train_epoch'])
def test_stopped_before_the_first_step(tmp_path, point):
    assert 'outside of the training steps' in stopped(noisy(tmp_path), 0, point)
    assert not list(tmp_path.glob('*.pth'))
    noisy(tmp_path).train()
    assert (tmp_path / 'epoch_3.pth').is_file()


def test_a_second_ctrl_c_stops_at_once_and_an_echo_of_the_first_does_not(tmp_path, monkeypatch):
    assert 'saved' in stopped(noisy(tmp_path / 'a', hooks=[Signal(2, 'after_train_iter', signal.SIGINT)]), 2)
    monkeypatch.setattr('dacl_mm.engine.stop.ECHO', 0)
    runner = noisy(tmp_path / 'b', hooks=[Signal(2, 'after_train_iter', signal.SIGINT)])
    runner.register_hook(Signal(2, 'before_train_iter', signal.SIGINT))
    with pytest.raises(KeyboardInterrupt) as stop, STOP.listening(), files_on_disk(runner):
        runner.train()
    assert not isinstance(stop.value, Interrupted) and not list((tmp_path / 'b').glob('*.pth'))


def test_signals_are_left_as_they_were():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with STOP.listening():
        assert signal.getsignal(signal.SIGTERM) != before[0]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


class Names(Hook):
    """Keeps which checkpoints there are after each iteration, when they are written."""

    priority = 'LOWEST'

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        names = sorted(path.name for path in Path(runner.work_dir).glob('*.pth'))
        self.seen.append([name for name in names if 'best' not in name])


def test_one_autosave_at_a_time_which_the_next_checkpoint_replaces(tmp_path):
    names = Names()
    noisy(tmp_path, epochs=2, minutes=0, checkpoint=dict(background=False), hooks=[names]).train()
    first = [[f'autosave_epoch_0_iter_{i}.pth'] for i in (1, 2, 3)]
    second = [[f'autosave_epoch_1_iter_{i}.pth', 'epoch_1.pth'] for i in (1, 2, 3)]
    # An epoch's own checkpoint follows its last iteration.
    assert names.seen == [*first, first[-1], *second, second[-1]]
    assert [path.name for path in tmp_path.glob('*.pth') if 'best' not in path.name] == ['epoch_2.pth']


@pytest.mark.parametrize('minutes', [None, 10.0])
def test_no_autosave_before_its_time(tmp_path, minutes):
    names = Names()
    noisy(tmp_path, epochs=1, minutes=minutes, hooks=[names]).train()
    assert names.seen == [[]] * 4
    with pytest.raises(UserError, match='minutes must not be negative'):
        noisy(tmp_path, minutes=-1)


@pytest.mark.promise(
    'Any interruption',
    'the newest checkpoint, from inside an epoch, is damaged',
    'it is passed over with the reason; the one before goes on to the same end',
)
def test_a_damaged_autosave_is_passed_over(tmp_path, undisturbed):
    whole, cut = undisturbed(), tmp_path
    stopped(noisy(cut), 6)
    newest = latest_checkpoint(cut)
    assert newest.name == 'autosave_epoch_1_iter_3.pth'
    newest.write_bytes(newest.read_bytes()[:-2000])
    assert latest_checkpoint(cut).name == 'epoch_1.pth'
    noisy(cut, resume=True).train()
    assert_same_run(whole, cut)
    assert [path.name for path in cut.glob('earlier_runs/*/*')] == ['autosave_epoch_1_iter_3.pth']


def test_lines_that_were_written_after_the_checkpoint_are_not_there_twice(tmp_path, undisturbed):
    whole, cut = undisturbed(), tmp_path
    runner = noisy(cut)
    runner.register_hook(Kill())
    with pytest.raises(RuntimeError, match='killed'), files_on_disk(runner):
        runner.train()
    resumed = noisy(cut, resume=True)
    with open(next(cut.glob('*/vis_data/scalars.json')), 'a') as file:
        file.write('{"loss": 1, "step": 9}\n')  # of steps that no checkpoint has
    resumed.train()
    assert scalars(cut) == scalars(whole) and len(scalars(cut)) == 6


def test_another_loop_cannot_begin_inside_an_epoch(tmp_path):
    stopped(noisy(tmp_path), 1)
    with pytest.raises(UserError, match='is from inside an epoch, where EpochBasedTrainLoop cannot begin'):
        noisy(tmp_path, resume=True, train_cfg=dict(type='EpochBasedTrainLoop', max_epochs=3)).train()


def test_an_epoch_goes_on_with_another_batch_size_after_the_images_it_has_seen(tmp_path):
    runner = noisy(tmp_path, loader=dict(batch_size=2))
    stopped(runner, 2)
    seen = runner.train_dataloader.dataset.read
    again = noisy(tmp_path, resume=True, epochs=1, loader=dict(batch_size=3))
    again.train()
    assert sorted(seen + again.train_dataloader.dataset.read) == list(range(12))


def test_autosaves_wait_for_the_optimizer(tmp_path):
    names, options = Names(), VARIANTS['accumulated gradients']
    noisy(tmp_path, epochs=1, minutes=0, hooks=[names], checkpoint=dict(background=False), **options).train()
    assert names.seen == [[], [], ['autosave_epoch_0_iter_3.pth'], ['autosave_epoch_0_iter_3.pth']]
