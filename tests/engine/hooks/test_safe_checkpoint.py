"""Runs that share a folder or end early, and what they leave."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from small_runner import Linear, make_runner

from dacl_mm.engine.checkpoint import writer
from dacl_mm.engine.checkpoint.resume import latest_checkpoint
from dacl_mm.engine.hooks import AtomicCheckpointHook
from dacl_mm.engine.launch import files_on_disk
from dacl_mm.errors import UserError

KEEP_ALL = dict(max_keep_ckpts=-1)


class Kill(Hook):
    """Ends the run at one point of its second epoch."""

    priority = 'LOWEST'

    def __init__(self, point: str):
        self.epoch = 2 if 'val' in point else 1  # counted on when training of an epoch has ended
        setattr(self, point, self._kill)

    def _kill(self, runner, *args, **kwargs):
        if runner.epoch == self.epoch:
            raise KeyboardInterrupt


def killed(runner, point: str) -> None:
    runner.register_hook(Kill(point))
    with pytest.raises(KeyboardInterrupt), files_on_disk(runner):
        runner.train()


def names(folder: Path, pattern: str = '*.pth') -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def load(path: Path) -> dict:
    return torch.load(path, weights_only=True)


@pytest.mark.parametrize(
    ('option', 'message'),
    [(dict(backgroud=False), 'takes no backgroud'), (dict(backend_args=dict(backend='s3')), 'local files')],
)
def test_an_option_that_it_lacks_is_named(option, message):
    with pytest.raises(UserError, match=message):
        AtomicCheckpointHook(**option)


@pytest.mark.promise(
    'Any interruption',
    'a new run starts in the work dir of an earlier one',
    'the earlier checkpoints are moved aside, and never resumed from',
)
def test_a_new_run_neither_resumes_from_nor_overwrites_the_one_before(tmp_path):
    make_runner(tmp_path, epochs=6).train()
    old, files = load(tmp_path / 'epoch_6.pth')['meta']['run_id'], names(tmp_path)
    killed(make_runner(tmp_path, epochs=6), 'before_train_epoch')
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'
    assert load(tmp_path / 'epoch_1.pth')['meta']['run_id'] != old
    (earlier,) = (tmp_path / 'earlier_runs').iterdir()
    assert names(earlier) == files and load(earlier / 'epoch_6.pth')['meta']['run_id'] == old


def test_a_resumed_run_keeps_its_id_and_moves_nothing(tmp_path):
    make_runner(tmp_path, epochs=1).train()
    run_id = load(tmp_path / 'epoch_1.pth')['meta']['run_id']
    make_runner(tmp_path, epochs=2, resume=tmp_path / 'epoch_1.pth').train()
    assert load(tmp_path / 'epoch_2.pth')['meta']['run_id'] == run_id
    assert json.loads((tmp_path / 'run.json').read_text())['id'] == run_id
    assert not (tmp_path / 'earlier_runs').exists()


def test_going_back_moves_what_lies_ahead(tmp_path):
    make_runner(tmp_path, checkpoint=KEEP_ALL).train()
    assert names(tmp_path, 'epoch_*') == ['epoch_1.pth', 'epoch_2.pth', 'epoch_3.pth']
    killed(make_runner(tmp_path, resume=tmp_path / 'epoch_1.pth', checkpoint=KEEP_ALL), 'before_train_epoch')
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'
    assert {'epoch_2.pth', 'epoch_3.pth'} <= set(names(tmp_path, 'earlier_runs/*/*.pth'))


@pytest.mark.parametrize('point', ['after_train_epoch', 'before_val_epoch', 'after_val_epoch'])
def test_a_kill_around_validation_loses_nothing(tmp_path, point):
    make_runner(tmp_path / 'whole').train()
    work = tmp_path / 'cut'
    killed(make_runner(work), point)
    assert latest_checkpoint(work) == work / 'epoch_2.pth'
    resumed = make_runner(work, resume=work / 'epoch_2.pth')
    resumed.train()
    whole, cut = (load(folder / 'epoch_3.pth') for folder in (tmp_path / 'whole', work))
    for key, value in whole['state_dict'].items():
        assert torch.equal(value, cut['state_dict'][key])
    assert [row['epoch'] for row in resumed.message_hub.get_info('history_of_validation')] == [1, 2, 3]
    assert names(work) == names(tmp_path / 'whole')
    assert not (work / 'earlier_runs').exists()


def test_a_validation_made_up_for_keeps_the_note_of_the_last_checkpoint(tmp_path):
    runner, kill = make_runner(tmp_path, epochs=1), Kill('before_val_epoch')
    kill.epoch = 1
    runner.register_hook(kill)
    with pytest.raises(KeyboardInterrupt), files_on_disk(runner):
        runner.train()
    assert names(tmp_path) == ['epoch_1.pth']
    make_runner(tmp_path, epochs=1, resume=tmp_path / 'epoch_1.pth').train()
    assert names(tmp_path) == ['best_accuracy_top1_epoch_1.pth', 'epoch_1.pth']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_1.pth')


def test_each_epoch_is_written_once_and_the_best_holds_weights_alone(tmp_path, monkeypatch):
    written, save = [], writer.save_checkpoint
    monkeypatch.setattr(
        writer,
        'save_checkpoint',
        lambda checkpoint, path: [written.append(path.name), save(checkpoint, path)],
    )
    make_runner(tmp_path).train()
    assert [name for name in written if name.startswith('epoch')] == [f'epoch_{e}.pth' for e in (1, 2, 3)]
    assert names(tmp_path, 'epoch_*') == ['epoch_3.pth'] and 'optimizer' in load(tmp_path / 'epoch_3.pth')
    (best,) = map(load, tmp_path.glob('best_*.pth'))
    assert best.keys() == {'meta', 'state_dict'}
    assert best['meta']['dataset_meta']['classes'] == ('neutral', 'happiness', 'sadness')


@pytest.mark.parametrize('background', [True, False])
def test_a_successor_is_on_disk_before_its_predecessor_goes(tmp_path, monkeypatch, background):
    save = writer.save_checkpoint

    def full_at_the_second(checkpoint, path):
        if path.name == 'epoch_2.pth':
            raise OSError('disk full')
        save(checkpoint, path)

    monkeypatch.setattr(writer, 'save_checkpoint', full_at_the_second)
    runner = make_runner(tmp_path, checkpoint=dict(background=background))
    with pytest.raises(OSError, match='disk full'), files_on_disk(runner):
        runner.train()
    assert names(tmp_path, 'epoch_*') == ['epoch_1.pth']
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'epoch_1.pth')


def test_a_training_that_is_broken_off_leaves_when_its_files_are_on_disk(tmp_path, monkeypatch):
    save = writer.save_checkpoint
    monkeypatch.setattr(
        writer, 'save_checkpoint', lambda content, path: [time.sleep(0.5), save(content, path)]
    )
    killed(make_runner(tmp_path), 'before_val_epoch')
    assert names(tmp_path) == ['best_accuracy_top1_epoch_1.pth', 'epoch_2.pth']


@pytest.mark.promise(
    'Any interruption',
    'a second process starts in the work dir of a training',
    'it is refused, and the first loses nothing',
)
def test_a_second_process_is_refused_and_loses_no_file_of_the_first(tmp_path):
    code = (
        'import sys, time; from pathlib import Path; from dacl_mm.files import file_lock\n'
        f'with file_lock(Path({str(tmp_path)!r}, ".training.lock"), "training"): print("held", flush=True); '
        'time.sleep(60)'
    )
    with subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == 'held\n'
        partial = tmp_path / '.1.epoch_1.pth.tmp'
        partial.touch()
        with pytest.raises(UserError, match=rf'another training works in .*process {first.pid} '):
            make_runner(tmp_path).train()
        assert partial.exists() and not names(tmp_path)
        first.kill()
    make_runner(tmp_path, epochs=1).train()
    assert not partial.exists() and (tmp_path / 'epoch_1.pth').exists()


def test_a_loss_that_is_not_finite_stops_and_names_its_part(tmp_path):
    runner = make_runner(tmp_path, model=Linear(broken_step=4))
    message = r'epoch 2, iteration 2: .*loss_other is not finite.*learning rate.*clip_grad.*epoch_1\.pth'
    with pytest.raises(UserError, match=message), files_on_disk(runner):
        runner.train()
    assert load(tmp_path / 'epoch_1.pth')['state_dict']['fc.weight'].isfinite().all()
    assert names(tmp_path, 'epoch_*') == ['epoch_1.pth']


@pytest.mark.promise(
    'Any interruption',
    'weights are NaN at the end of an epoch',
    'they are neither saved nor the best; the last good checkpoint is named',
)
def test_weights_that_are_not_finite_are_neither_saved_nor_best(tmp_path):
    class Break(Hook):
        priority = 'NORMAL'

        def after_train_epoch(self, runner):
            if runner.epoch == 1:
                runner.model.fc.weight.data[0, 0] = float('nan')

    runner = make_runner(tmp_path)
    runner.register_hook(Break())
    with (
        pytest.raises(UserError, match=r'after epoch 2 the weights of fc\.weight.*epoch_1\.pth'),
        files_on_disk(runner),
    ):
        runner.train()
    assert names(tmp_path) == ['best_accuracy_top1_epoch_1.pth', 'epoch_1.pth']


def test_running_statistics_that_are_not_finite_are_not_saved(tmp_path):
    model = Linear()
    model.norm = torch.nn.BatchNorm1d(3)
    model.norm.running_var[1] = float('inf')
    with pytest.raises(UserError, match=r'after epoch 1 the weights of norm\.running_var are not finite'):
        make_runner(tmp_path, model=model).train()
    assert not names(tmp_path)


@pytest.mark.promise(
    'Any interruption', 'the metric that selects the epoch is NaN', 'the epoch is never the best'
)
@pytest.mark.parametrize('score', [float('nan'), float('inf')])
def test_a_metric_that_is_not_finite_is_never_the_best(tmp_path, score):
    runner = make_runner(tmp_path, epochs=2)
    scores = iter([score, 50.0])
    runner.val_loop.evaluator.evaluate = lambda size: {'accuracy/top1': next(scores)}
    runner.train()
    assert names(tmp_path, 'best_*') == ['best_accuracy_top1_epoch_2.pth']


def test_a_metric_that_validation_lacks_is_named(tmp_path):
    with pytest.raises(UserError, match=r"'fer/f1' is not among the metrics: .*fer/f1_macro"):
        make_runner(tmp_path, settings=dict(selection_metric='fer/f1')).train()


def test_validation_alone_selects_nothing(tmp_path):
    runner = make_runner(tmp_path, settings=dict(selection_metric=None))
    assert runner.val()['accuracy/top1'] >= 0
    assert not names(tmp_path)


def test_validation_after_training_selects_nothing(tmp_path):
    runner = make_runner(tmp_path, epochs=1)
    runner.train()
    files = names(tmp_path)
    (tmp_path / files[0]).write_bytes(b'kept')
    runner.val_loop.evaluator.evaluate = lambda size: {'accuracy/top1': 1000.0}
    runner.val()
    assert names(tmp_path) == files and (tmp_path / files[0]).read_bytes() == b'kept'


def test_other_classes_and_weights_are_refused_on_resuming(tmp_path):
    make_runner(tmp_path, epochs=1).train()
    source = tmp_path / 'epoch_1.pth'
    for classes in (('happiness', 'neutral', 'sadness'), ('neutral', 'happiness')):
        with pytest.raises(UserError, match=r'epoch_1\.pth was trained on the classes neutral'):
            make_runner(tmp_path, classes=classes, resume=source).train()
    with pytest.raises(UserError, match=r'fc\.weight is \(3, 3\), the model needs \(5, 3\)'):
        make_runner(tmp_path, model=Linear(5), resume=source).train()


BEFORE = dict(
    optim_wrapper=dict(optimizer=dict(lr=0.1)),
    hooks=[dict(type='A', n=1)],
    work_dir='a',
    train_dataloader=dict(num_workers=1, dataset=dict(data_root='x')),
)
AFTER = dict(
    optim_wrapper=dict(optimizer=dict(lr=0.5)),
    hooks=[dict(type='A', n=2)],
    work_dir='b',
    train_dataloader=dict(num_workers=2, dataset=dict(data_root='y')),
)


def named(runner) -> list[str]:
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    changed = re.search(r'the config differs.*?:\n((?:  .*\n)+)', log)
    return changed[1].splitlines() if changed else []


@pytest.mark.promise(
    'Any interruption',
    'resumed with another config',
    'refused, the keys named one by one, unless --accept-changes is given',
)
def test_what_changed_in_the_config_is_refused_on_resuming_unless_it_is_accepted(tmp_path):
    make_runner(tmp_path, epochs=1, settings=BEFORE).train()
    source, values = (
        tmp_path / 'epoch_1.pth',
        ['  hooks.0.n: 1 -> 2', '  optim_wrapper.optimizer.lr: 0.1 -> 0.5'],
    )
    with pytest.raises(UserError, match=r'differs from the one .*epoch_1\.pth') as refused:
        make_runner(tmp_path, epochs=2, resume=source, settings=AFTER).train()
    assert str(refused.value).splitlines()[1:-1] == values
    assert '--accept-changes' in str(refused.value)
    runner = make_runner(tmp_path, epochs=2, resume=source, settings=AFTER | dict(accept_changes=True))
    runner.train()
    places = ["  train_dataloader.dataset.data_root: 'x' -> 'y'", '  train_dataloader.num_workers: 1 -> 2']
    assert named(runner) == values + places


def test_what_does_not_change_the_result_is_named_alone(tmp_path):
    make_runner(tmp_path, epochs=1, settings=BEFORE).train()
    after = BEFORE | dict(train_dataloader=AFTER['train_dataloader'], work_dir='b')
    runner = make_runner(tmp_path, epochs=2, resume=tmp_path / 'epoch_1.pth', settings=after)
    runner.train()
    assert [line.split(':')[0].strip() for line in named(runner)] == [
        'train_dataloader.dataset.data_root',
        'train_dataloader.num_workers',
    ]


def test_another_selection_metric_is_refused_on_resuming(tmp_path):
    make_runner(tmp_path, epochs=1).train()
    other = dict(selection_metric='fer/mean_class_accuracy')
    with pytest.raises(UserError, match=r'by .accuracy/top1., the config says .*fer/mean_class_accuracy'):
        make_runner(tmp_path, epochs=2, resume=tmp_path / 'epoch_1.pth', settings=other).train()


def test_sizes_are_stated_at_the_start(tmp_path):
    model = Linear()
    model.wide = torch.nn.Linear(1000, 1000)
    runner = make_runner(tmp_path, epochs=1, model=model)
    runner.train()
    log = next(Path(runner.log_dir).glob('*.log')).read_text()
    assert 'model: 1.0 M parameters; a checkpoint takes about 8 MB, the best one 4 MB' in log
    # The wide layer has no gradient, hence no momentum yet.
    assert 3.9e6 < (tmp_path / 'epoch_1.pth').stat().st_size < 8.1e6


@pytest.mark.parametrize('content', ['', '[]', '{"other": 1}', '{"id": "a'])
def test_a_damaged_note_of_the_run_is_named(tmp_path, content):
    make_runner(tmp_path, epochs=1).train()
    (tmp_path / 'run.json').write_text(content)
    with pytest.raises(UserError, match=r'run\.json is damaged .*delete it'):
        make_runner(tmp_path, epochs=1).train()
    assert (tmp_path / 'epoch_1.pth').is_file()
