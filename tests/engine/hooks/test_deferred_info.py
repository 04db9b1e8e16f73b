"""Losses that are fetched when they are logged."""

import pytest
from mmengine.hooks import Hook
from small_runner import Linear, make_runner

from dacl_mm.errors import UserError


class Watch(Hook):
    """Keeps how many losses the log holds after each step."""

    priority = 'LOW'

    def __init__(self):
        self.seen = []

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        buffer = runner.message_hub.log_scalars.get('train/loss')
        self.seen.append(len(buffer.data[0]) if buffer else 0)


def train(folder, defer, interval=50, model=None, **options):
    watch = Watch()
    hooks = dict(
        runtime_info=dict(type='DeferredInfoHook', defer=defer),
        logger=dict(type='LoggerHook', interval=interval),
        checkpoint=dict(type='AtomicCheckpointHook', interval=1),
    )
    names = ('NonFiniteHook', 'ReportHook', 'PlainCheckpointHook')
    runner = make_runner(
        folder,
        epochs=2,
        model=model,
        default_hooks=hooks,
        custom_hooks=[*(dict(type=name) for name in names), watch],
        **options,
    )
    runner.train()
    history = {key: buffer.data[0].tolist() for key, buffer in runner.message_hub.log_scalars.items()}
    return {key: values for key, values in history.items() if key.startswith('train/loss')}, watch.seen


def test_the_log_is_the_same_and_read_where_it_is_written(tmp_path):
    at_once, every = train(tmp_path / 'a', False)
    late, seldom = train(tmp_path / 'b', True)
    assert late == at_once and len(late) == 3
    assert every == [1, 2, 3, 4] and seldom == [0, 2, 2, 4]  # two steps an epoch
    assert train(tmp_path / 'c', True, interval=1)[1] == every
    assert train(tmp_path / 'd', None)[1] == every  # on a CPU there is nothing to wait for


def test_loops_without_epochs_are_read_at_every_step(tmp_path):
    _, seen = train(tmp_path, True, train_cfg=dict(by_epoch=False, max_iters=4))
    assert seen == [1, 2, 3, 4]


@pytest.mark.parametrize('step, message', [(3, 'epoch 2, iteration 1: '), (4, 'epoch 2, iteration 2: ')])
@pytest.mark.parametrize('defer', [False, True])
def test_a_broken_loss_is_named_by_its_own_iteration(tmp_path, defer, step, message):
    with pytest.raises(UserError, match=message + r'.*loss_other is not finite'):
        train(tmp_path, defer, model=Linear(3, broken_step=step))
