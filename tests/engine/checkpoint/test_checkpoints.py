import os
import pickle
import subprocess
import sys
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.logging import HistoryBuffer
from mmengine.runner.checkpoint import CheckpointLoader
from small_runner import listen, make_runner

from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.plain import plain_message_hub, restore_message_hub, to_plain
from dacl_mm.engine.checkpoint.resume import latest_checkpoint, set_resume
from dacl_mm.engine.checkpoint.run import succeed
from dacl_mm.errors import CorruptCheckpointError, UnsafeCheckpointError, UserError
from dacl_mm.files import write_atomic


class Evil:
    def __reduce__(self):
        return print, ('executed',)


def test_plain_forms_load_weights_only_and_keep_values(tmp_path):
    state = OrderedDict(w=torch.randn(2))
    state._metadata = OrderedDict(version=1)
    value = dict(
        n=np.float64(1.5), a=np.arange(3), c=Counter([1, 1]), t=(1, 'x', None), s=state, b=np.bool_(True)
    )
    torch.save(to_plain(value), tmp_path / 'x.pth')
    loaded = torch.load(tmp_path / 'x.pth', weights_only=True)
    assert loaded['n'] == 1.5 and loaded['t'] == (1, 'x', None) and loaded['b'] is True
    assert loaded['a'].tolist() == [0, 1, 2] and loaded['c'][1] == 2 and loaded['c'][7] == 0
    assert torch.equal(loaded['s']['w'], state['w'])


def test_message_hub_survives(tmp_path, capsys):
    buffer = HistoryBuffer([1.0, 2.0, 4.0], [1, 1, 2])
    state = dict(log_scalars={'train/loss': buffer}, runtime_info=dict(iter=3, f=print), resumed_keys={})
    torch.save(plain_message_hub(state), tmp_path / 'x.pth')
    loaded = restore_message_hub(torch.load(tmp_path / 'x.pth', weights_only=True))
    log, count = loaded['log_scalars']['train/loss'].data
    assert log.tolist() == [1, 2, 4] and count.tolist() == [1, 1, 2]
    assert loaded['runtime_info'] == dict(iter=3)


def test_what_has_no_plain_form_is_named():
    with pytest.raises(TypeError, match=r'optimizer\.a\[1\] is a .*Evil'):
        to_plain(dict(a=[1, Evil()]), 'optimizer')


def test_code_in_a_checkpoint_is_not_executed(tmp_path, capfd):
    path = tmp_path / 'evil.pth'
    torch.save(dict(state_dict={}, x=Evil()), path)
    for load in (load_checkpoint, CheckpointLoader.load_checkpoint):
        with pytest.raises(UnsafeCheckpointError, match='execute code'):
            load(str(path), 'cpu')
    assert 'executed' not in capfd.readouterr().out


def test_pickled_history_of_plain_mmengine_is_refused_with_the_way_out(tmp_path):
    path = tmp_path / 'mmengine.pth'
    torch.save(dict(state_dict={}, message_hub=dict(a=HistoryBuffer([1.0], [1]))), path)
    with pytest.raises(UnsafeCheckpointError, match='keep the weights alone'):
        load_checkpoint(str(path))


@pytest.mark.parametrize('content', [b'', b'text', pickle.dumps([1])[:5]])
def test_damaged_files_are_named(tmp_path, content):
    path = tmp_path / 'x.pth'
    path.write_bytes(content)
    with pytest.raises((CorruptCheckpointError, UnsafeCheckpointError), match=r'x\.pth'):
        load_checkpoint(str(path))


def test_truncated_checkpoint_is_named(tmp_path):
    torch.save(dict(state_dict=dict(w=torch.randn(1000))), tmp_path / 'x.pth')
    data = (tmp_path / 'x.pth').read_bytes()
    (tmp_path / 'x.pth').write_bytes(data[: len(data) // 2])
    with pytest.raises(CorruptCheckpointError, match='damaged'):
        load_checkpoint(str(tmp_path / 'x.pth'))


def test_full_disk_leaves_the_previous_file(tmp_path):
    """A file-size limit fails the write half-way, as a full disk does."""
    path = tmp_path / 'epoch_1.pth'
    path.write_bytes(b'old')
    code = (
        'import resource, signal, sys; from dacl_mm.files import write_atomic;'
        'signal.signal(signal.SIGXFSZ, signal.SIG_IGN);'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]));'
        'write_atomic(b"x" * 100000, sys.argv[1])'
    )
    done = subprocess.run([sys.executable, '-c', code, str(path)], capture_output=True, text=True)
    assert done.returncode and 'FileError' in done.stderr
    assert path.read_bytes() == b'old'
    assert [p.name for p in tmp_path.iterdir()] == ['epoch_1.pth']


def test_write_replaces(tmp_path):
    path = tmp_path / 'new' / 'x.pth'
    write_atomic(b'1', path)
    write_atomic(b'22', path)
    assert path.read_bytes() == b'22'
    assert [p.name for p in path.parent.iterdir()] == ['x.pth']


def save(path, run_id=None):
    meta = dict(epoch=1) if run_id is None else dict(epoch=1, run_id=run_id)
    torch.save(dict(meta=meta, state_dict=dict(w=torch.randn(5000)), message_hub={}), path)


def test_latest_checkpoint_counts_numbers(tmp_path):
    assert latest_checkpoint(tmp_path) is None
    for name in ('epoch_2.pth', 'epoch_10.pth', 'best_accuracy_top1_epoch_99.pth', '.epoch_11.pth.tmp'):
        save(tmp_path / name)
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_10.pth'


def test_latest_checkpoint_orders_those_from_inside_epochs(tmp_path):
    order = ['epoch_2', 'autosave_epoch_2_iter_3', 'autosave_epoch_2_iter_20', 'epoch_3', 'epoch_10']
    for name in order:
        save(tmp_path / f'{name}.pth')
        assert latest_checkpoint(tmp_path) == tmp_path / f'{name}.pth'


@pytest.mark.promise(
    'Any interruption',
    'the newest checkpoint in the folder is of another run',
    'it is passed over with the reason',
)
def test_latest_checkpoint_is_of_the_folders_own_run(tmp_path):
    said = listen(tmp_path / 'said')
    (tmp_path / 'run.json').write_text('{"id": "mine"}')
    save(tmp_path / 'epoch_5.pth', 'mine')
    save(tmp_path / 'epoch_60.pth', 'another')
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_5.pth'
    assert 'epoch_60.pth is of run another, the folder of run mine' in said()


def test_what_a_checkpoint_on_disk_outdates_goes_and_the_best_one_only_for_another(tmp_path):
    for name in ('epoch_2.pth', 'epoch_3.pth', 'epoch_10.pth', 'best_a_epoch_2.pth', 'x_epoch_1.pth'):
        (tmp_path / name).touch()
    (tmp_path / 'autosave_epoch_9_iter_5.pth').touch()
    (tmp_path / 'autosave_epoch_10_iter_1.pth').touch()
    better = tmp_path / 'best_a_epoch_3.pth'
    succeed(tmp_path / 'epoch_10.pth', tmp_path / 'note', 3, str(better))  # which is not written yet
    assert (tmp_path / 'note').read_text() == str(tmp_path / 'epoch_10.pth')
    (tmp_path / 'note').unlink()
    rest = ['autosave_epoch_10_iter_1.pth', 'epoch_10.pth', 'epoch_3.pth', 'x_epoch_1.pth']
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(['best_a_epoch_2.pth', *rest])
    better.touch()
    succeed(better, None, 3, f'/moved/from/{better.name}')
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(['best_a_epoch_3.pth', *rest])


def damage(path, kind):
    data = bytearray(path.read_bytes())
    if kind == 'truncated':
        del data[len(data) // 2 :]
    elif kind == 'altered':
        middle = data.index(b'epoch') + 2000  # inside the weights
        for i in range(middle, middle + 4000, 10):
            data[i] ^= 255
    path.write_bytes(data if kind != 'empty' else b'')


@pytest.mark.promise(
    'Any interruption',
    'the newest checkpoint is truncated, altered or empty',
    'it is passed over with the reason, and the one before taken',
)
@pytest.mark.parametrize('kind', ['truncated', 'altered', 'empty'])
def test_a_damaged_checkpoint_is_passed_over_with_the_reason(tmp_path, kind):
    said = listen(tmp_path / 'said')
    for epoch in (1, 2):
        save(tmp_path / f'epoch_{epoch}.pth', 'mine')
    damage(tmp_path / 'epoch_2.pth', kind)
    with pytest.raises(CorruptCheckpointError, match=r'epoch_2\.pth is damaged'):
        load_checkpoint(tmp_path / 'epoch_2.pth')
    assert latest_checkpoint(tmp_path) == tmp_path / 'epoch_1.pth'
    assert 'passed over' in said() and 'epoch_2.pth is damaged' in said()


def test_resume_takes_what_can_be_resumed_and_says_what_cannot(tmp_path):
    said = listen(tmp_path / 'said')
    cfg = Config(dict(work_dir=str(tmp_path)))
    set_resume(cfg, 'auto')
    assert 'load_from' not in cfg and 'so training starts anew' in said()
    (tmp_path / 'epoch_1.pth').touch()
    with pytest.raises(UserError, match='can be resumed'):
        set_resume(cfg, 'auto')
    weights = tmp_path / 'best_accuracy_top1_epoch_1.pth'
    torch.save(dict(meta={}, state_dict={}), weights)
    with pytest.raises(UserError, match='holds weights alone'):
        set_resume(cfg, str(weights))
    save(tmp_path / 'epoch_2.pth')
    set_resume(cfg, 'auto')
    assert cfg.resume and cfg.load_from == str(tmp_path / 'epoch_2.pth')


def test_a_file_that_is_no_dictionary_is_no_checkpoint(tmp_path):
    torch.save([1], tmp_path / 'x.pth')
    with pytest.raises(CorruptCheckpointError, match='holds a list'):
        load_checkpoint(tmp_path / 'x.pth')


def test_torchs_own_switch_leaves_local_files_to_mmengine(tmp_path):
    """In a process of its own, where the variable is set as a host does."""
    path = tmp_path / 'mmengine.pth'
    torch.save(dict(state_dict={}, message_hub=dict(a=HistoryBuffer([1.0, 3.0], [1, 1]))), path)
    code = (
        'import sys, dacl_mm; from mmengine.runner.checkpoint import CheckpointLoader as loader\n'
        'for _ in range(2): print(loader.load_checkpoint(sys.argv[1], "cpu")["message_hub"]["a"].mean())'
    )
    outputs = {}
    for value in ('0', '1'):
        env = {**os.environ, 'TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD': value}
        command = [sys.executable, '-c', code, str(path)]
        outputs[value] = subprocess.run(command, env=env, capture_output=True, text=True)
    assert outputs['0'].returncode and 'UnsafeCheckpointError' in outputs['0'].stderr
    assert outputs['1'].stdout.count('2.0') == 2, outputs['1'].stderr
    both = outputs['1'].stdout + outputs['1'].stderr
    assert both.count('executes code') == 1


def test_code_in_a_checkpoints_config_is_not_executed_on_resuming(tmp_path):
    """mmengine runs the text under meta.config when it resumes."""
    make_runner(tmp_path, epochs=1).train()
    path = tmp_path / 'epoch_1.pth'
    checkpoint = torch.load(path, weights_only=True)
    checkpoint['meta']['config'] = f'open({str(tmp_path / "executed")!r}, "w").close()'
    torch.save(checkpoint, path)
    make_runner(tmp_path, epochs=2, resume=path).train()
    assert (tmp_path / 'epoch_2.pth').exists() and not (tmp_path / 'executed').exists()
