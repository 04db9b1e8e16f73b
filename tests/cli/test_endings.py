"""How commands end: mistakes, bugs and interruptions."""

import os
import signal
import subprocess
import sys
import time
import warnings

import pytest
import torch
from conftest import REPO, TINY, run_tool
from mmengine.config import Config
from mmengine.logging import MMLogger

from dacl_mm import errors
from dacl_mm.cli.run import run
from dacl_mm.cli.train import resume_command
from dacl_mm.engine.launch import drop_tensorboard, memory_faults
from dacl_mm.engine.stop import Interrupted
from dacl_mm.errors import FileError, UserError
from dacl_mm.files import make_folder, write_atomic
from dacl_mm.inference.framing_watch import FramingWarning

CONFIG = REPO / 'configs' / 'dacl_r18_synthetic.py'


def raising(error: BaseException):
    def main():
        raise error

    return main


def test_a_mistake_ends_with_its_message_and_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        run(raising(UserError('no such key')))
    assert ended.value.code == 2
    assert capsys.readouterr().err == 'error: no such key\n(DACL_TRACEBACK=1 shows where)\n'


def test_warnings_of_the_package_are_sentences(capsys):
    def main():
        warnings.warn('look closer', FramingWarning, stacklevel=1)
        warnings.warn('of another', UserWarning, stacklevel=1)

    with pytest.warns(UserWarning, match='of another') as others:
        run(main)
    assert len(others) == 1 and capsys.readouterr().err == 'warning: look closer\n'


@pytest.mark.parametrize(
    'bug', [ValueError('x'), KeyError('x'), OSError('x'), TypeError('x'), IndexError('x')]
)
def test_a_bug_is_not_taken_for_a_mistake(bug):
    with pytest.raises(type(bug)):
        run(raising(bug))


def test_an_interruption_has_its_own_status():
    with pytest.raises(SystemExit) as ended:
        run(raising(KeyboardInterrupt()))
    assert ended.value.code == 130
    with pytest.raises(SystemExit) as ended:
        run(raising(Interrupted('stopped')))
    assert ended.value.code == 75


def test_mistakes_pass_between_processes():
    """A loader process hands on an error's class and one text."""
    kinds = [its for its in vars(errors).values() if getattr(its, '__module__', None) == errors.__name__]
    assert len(kinds) > 5
    for kind in kinds:
        assert issubclass(kind, UserError) and str(kind('some text')) == 'some text'


def test_a_full_gpu_names_the_batch_size():
    with pytest.raises(UserError, match='batch_size'), memory_faults():
        raise torch.OutOfMemoryError('CUDA out of memory. Tried to allocate 2.00 GiB')


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('')
    for use in (make_folder, lambda folder: write_atomic(b'', folder / 'x')):
        with pytest.raises(FileError, match='file/below cannot be made a folder'):
            use(tmp_path / 'file' / 'below')


def test_without_tensorboard_the_rest_is_kept_and_it_is_said(monkeypatch, capsys):
    MMLogger.get_instance('without_tensorboard')  # writes to the captured stream
    cfg = Config.fromfile(CONFIG)
    drop_tensorboard(cfg)
    assert len(cfg.visualizer.vis_backends) == 2
    monkeypatch.setattr('dacl_mm.engine.launch.find_spec', lambda name: None)
    drop_tensorboard(cfg)
    assert [backend.type for backend in cfg.visualizer.vis_backends] == ['LocalVisBackend']
    assert 'TensorBoard is not installed' in ''.join(capsys.readouterr())


@pytest.mark.parametrize(
    ('given', 'command'),
    [
        (['a.py'], 'a.py --resume'),
        (['a.py', '--resume'], 'a.py --resume'),
        (['--resume', 'old.pth', '--amp', 'my config.py'], "--amp 'my config.py' --resume"),
        (
            ['a.py', '--resume=x.pth', '--cfg-options', 'k=[1,2]', 'l=1'],
            "a.py --cfg-options 'k=[1,2]' l=1 --resume",
        ),
        (['a.py', '--resume', '--work-dir', 'w'], 'a.py --work-dir w --resume'),
    ],
)
def test_the_command_that_goes_on(monkeypatch, given, command):
    monkeypatch.setattr(sys, 'argv', ['tools/train.py'])
    assert resume_command(given) == f'python tools/train.py {command}'
    monkeypatch.setattr(sys, 'argv', ['dacl-mm train'])
    assert resume_command(given) == f'dacl-mm train {command}'


@pytest.mark.promise(
    'Any interruption',
    'SIGTERM or Ctrl-C to a training and its loader processes',
    'the step is finished and saved, the command that goes on is printed, the status is 75',
)
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_all_processes_of_a_training_tells_how_to_go_on(tmp_path, number):
    options = [*TINY, 'train_cfg.max_epochs=40', 'param_scheduler.total_steps=40']
    options += ['train_dataloader.num_workers=2', 'val_dataloader.num_workers=1']
    command = [
        sys.executable,
        REPO / 'tools/train.py',
        CONFIG,
        '--work-dir',
        tmp_path,
        '--cfg-options',
        *options,
    ]
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell's background jobs, and what they start, ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 300
        while not list(tmp_path.glob('epoch_*.pth')) and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        os.killpg(process.pid, number)
        _, text = process.communicate(timeout=100)
    assert process.returncode == 75 and 'Traceback' not in text, text
    assert f'{number.name}: saving after this step' in text and 'and saved; go on with' in text
    assert f'go on with: python {REPO}/tools/train.py {CONFIG} --work-dir {tmp_path}' in text
    assert text.rstrip().endswith('--resume')


def test_a_config_without_bases_is_told_what_it_lacks(tmp_path):
    (tmp_path / 'bare.py').write_text("default_scope = 'mmpretrain'\n")
    done = run_tool('train', tmp_path / 'bare.py', check=False)
    assert done.returncode == 2 and 'Traceback' not in done.stderr
    assert 'bare.py lacks model, train_dataloader' in done.stderr and "_base_ = 'dacl_mm::" in done.stderr
