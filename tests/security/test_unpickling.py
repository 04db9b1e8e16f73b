"""Files from elsewhere that would run code, through every way in."""

import functools
import http.server
import json
import os
import pickle
import threading

import numpy as np
import pytest
import torch
from conftest import REPO, TINY, run_tool
from finished import write_runs
from layouts import affectnet_npy, rafdb
from mmpretrain import get_model
from trap import Trap, trapped_array, trapped_checkpoint

from dacl_mm.comparison.analysis.reading import read_runs
from dacl_mm.datasets.readers.affectnet import AffectNet
from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.errors import CorruptCheckpointError, UnsafeCheckpointError
from dacl_mm.models.weights import PretrainedBackbone

CONFIG = REPO / 'configs/softmax_r18_synthetic.py'
OPTIONS = ['--cfg-options', *(option for option in TINY if 'attention' not in option)]
REFUSED = 'holds pickled Python objects'


@pytest.fixture
def mark(tmp_path):
    return tmp_path / 'mark'


WAYS = {
    'train --resume FILE': lambda file, out: (
        ['train', CONFIG, '--work-dir', out, '--resume', file, *OPTIONS],
        {},
    ),
    'train load_from': lambda file, out: (
        ['train', CONFIG, '--work-dir', out, *OPTIONS, f'load_from={file}'],
        {},
    ),
    'train FER_BACKBONE': lambda file, out: (
        ['train', CONFIG, '--work-dir', out, *OPTIONS],
        {'FER_BACKBONE': str(file)},
    ),
    'train --resume': lambda file, out: (
        ['train', CONFIG, '--work-dir', file.parent, '--resume', *OPTIONS],
        {},
    ),
    'test': lambda file, out: (['test', CONFIG, file, '--work-dir', out, *OPTIONS], {}),
    'convert': lambda file, out: (['convert_checkpoint', file, out / 'x.pth'], {}),
    'convert --reverse': lambda file, out: (['convert_checkpoint', file, out / 'x.pth', '--reverse'], {}),
    'strip': lambda file, out: (['strip_checkpoint', file, out / 'x.pth'], {}),
}


@pytest.mark.promise(
    'Security', 'a checkpoint that runs code is given to any command', 'refused, nothing is run'
)
@pytest.mark.parametrize('way', WAYS)
def test_no_command_runs_code_of_a_checkpoint(way, tmp_path, mark):
    (tmp_path / 'work').mkdir()
    file = trapped_checkpoint(tmp_path / 'work/epoch_1.pth', mark)
    command, env = WAYS[way](file, tmp_path / 'out')
    done = run_tool(*command, check=False, env={**os.environ, **env})
    assert done.returncode == 2 and REFUSED in done.stderr + done.stdout, done.stderr[-2000:]
    assert not mark.exists() and 'Traceback' not in done.stderr


@pytest.mark.parametrize('form', ['zip', 'legacy', 'pickle'])
def test_no_form_of_a_checkpoint_is_unpickled_by_mmpretrain(form, tmp_path, mark):
    file = trapped_checkpoint(tmp_path / 'x.pth', mark, zipped=form == 'zip')
    if form == 'pickle':
        file.write_bytes(pickle.dumps(dict(state_dict={}, x=Trap(mark))))
    with pytest.raises((UnsafeCheckpointError, CorruptCheckpointError), match=r'x\.pth'):
        get_model('softmax_r18_synthetic', pretrained=str(file))
    assert not mark.exists()


@pytest.fixture
def url(tmp_path, mark, monkeypatch):
    """Serve a trapped checkpoint."""
    trapped_checkpoint(tmp_path / 'x.pth', mark)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, 'log_message', lambda *_: None)
    monkeypatch.setenv('TORCH_HOME', str(tmp_path / 'home'))
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f'http://127.0.0.1:{server.server_port}/x.pth'
        server.shutdown()


@pytest.mark.promise(
    'Security', 'a URL names the checkpoint', 'read like a file, though torch.hub would run it'
)
@pytest.mark.parametrize('key', ['load_from', 'model.backbone.init_cfg.checkpoint'])
def test_no_command_runs_code_of_a_download(key, url, tmp_path, mark):
    command = ['train', CONFIG, '--work-dir', tmp_path / 'out', *OPTIONS, f'{key}={url}']
    done = run_tool(*command, check=False)
    assert list((tmp_path / 'home').rglob('x.pth')), done.stderr
    assert done.returncode == 2 and REFUSED in done.stderr and not mark.exists(), done.stderr[-2000:]


def test_backbone_weights_by_url_are_not_executed_in_a_host_either(url, mark):
    before = dict(os.environ)
    with pytest.raises(UnsafeCheckpointError, match=REFUSED):
        PretrainedBackbone(url)(torch.nn.Linear(1, 1))
    assert not mark.exists() and dict(os.environ) == before


@pytest.mark.promise('Security', "a config's YAML tags build Python objects", 'refused, names file and line')
@pytest.mark.parametrize('where', ['config', 'base of YAML', 'base of Python'])
def test_no_yaml_tag_runs_code(where, tmp_path, mark):
    evil = tmp_path / 'evil.yml'
    evil.write_text(f'a: 1\nmodel: !!python/object/apply:builtins.open ["{mark}", "w"]\n')
    config = evil
    if where != 'config':
        config = tmp_path / ('config.yml' if 'YAML' in where else 'config.py')
        config.write_text('_base_: evil.yml\n' if 'YAML' in where else "_base_ = 'evil.yml'\n")
    done = run_tool('train', config, check=False)
    assert done.returncode == 2 and f'{evil}, line 2: the tag' in done.stderr and not mark.exists()


@pytest.mark.promise(
    'Security',
    'an annotation, an index or a cache holds pickled objects',
    'refused or made anew, nothing is run',
)
def test_no_annotation_is_unpickled(tmp_path, mark):
    affectnet_npy(tmp_path / 'data')
    file = tmp_path / 'data/train_set/annotations/2_exp.npy'
    np.save(file, trapped_array(mark), allow_pickle=True)
    done = run_tool('verify_dataset', '--type', 'AffectNet', '--root', tmp_path / 'data', check=False)
    assert done.returncode == 2 and f'{file} is no .npy file of one value' in done.stderr
    assert not mark.exists()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('DACL_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def test_no_look_at_images_is_unpickled(tmp_path, cache, mark):
    rafdb(tmp_path / 'data')
    before = len(RAFDB(data_root=str(tmp_path / 'data')))
    (facts,) = cache.glob('facts-*')
    np.save(facts, trapped_array(mark), allow_pickle=True)
    assert len(RAFDB(data_root=str(tmp_path / 'data'))) == before and not mark.exists()


def change_index(path, **columns) -> None:
    """Put other columns into an index, under its header."""
    header, _, _ = path.read_bytes().partition(b'\n')
    with open(path, 'wb') as file:
        file.write(header + b'\n')
        np.savez(file, **columns)


@pytest.mark.parametrize('column', ['files', 'source', 'row'])
def test_no_index_is_unpickled(column, tmp_path, cache, mark):
    affectnet_npy(tmp_path / 'data')
    options = dict(data_root=str(tmp_path / 'data'), split='trainval')
    before = list(AffectNet(**options).data_list)
    (index,) = cache.glob('index-*')
    columns = dict(files=np.array([b'x']), source=np.array(''), row=np.zeros(1))
    change_index(index, **(columns | {column: trapped_array(mark)}))
    assert [r['img_path'] for r in AffectNet(**options).data_list] == [r['img_path'] for r in before]
    assert not mark.exists()


@pytest.mark.promise(
    'Security', "a comparison's recorded predictions hold pickled objects", 'the run does not count'
)
@pytest.mark.parametrize('name', ['path', 'score', 'centers'])
def test_no_prediction_is_unpickled(name, tmp_path, mark):
    methods = [method.name for method in write_runs(tmp_path, seeds=1)]
    path = tmp_path / 'runs/held-out/dacl/seed_0/predictions.npz'
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | {name: trapped_array(mark)}))
    (results,) = read_runs(tmp_path, methods)
    assert list(results.failed) == ['dacl'] and 'predictions.npz' in results.failed['dacl'][0]['log_end']
    assert not mark.exists()


@pytest.mark.promise(
    'Security', 'the config text in a checkpoint is code', 'read as text, or refused; never run'
)
@pytest.mark.slow
def test_no_config_text_is_executed_by_the_commands(tmp_path, mark):
    work = tmp_path / 'work'
    epochs = [*OPTIONS, 'param_scheduler.total_steps=2']
    run_tool('train', CONFIG, '--work-dir', work, *epochs, 'train_cfg.max_epochs=1')
    path = work / 'epoch_1.pth'
    checkpoint = torch.load(path, weights_only=True)
    code = f'open({str(mark)!r}, "w")\nmodel = dict(type=open({str(mark)!r}, "w"))\n'
    for key in ('cfg', 'config'):
        checkpoint['meta'][key] = code
    torch.save(checkpoint, path)
    resumed = ['--resume', path, '--accept-changes', *epochs, 'train_cfg.max_epochs=2']
    run_tool('train', CONFIG, '--work-dir', work, *resumed)
    assert (work / 'epoch_2.pth').exists()
    torch.save(checkpoint, path)
    done = run_tool('strip_checkpoint', path, tmp_path / 'x.pth', check=False)
    assert done.returncode == 2 and 'cannot be read' in done.stderr
    run_tool('test', CONFIG, path, '--work-dir', work, *OPTIONS)
    assert not mark.exists()


@pytest.mark.promise(
    'Security',
    'records in the work dir of tools/compare.py are altered',
    'made again; nothing else is run or read',
)
@pytest.mark.slow
def test_no_altered_record_runs_code_or_reads_elsewhere(tmp_path, mark):
    (tmp_path / 'set.py').write_text(
        f'_base_ = {str(CONFIG)!r}\nmethods = dict(softmax=dict(model="_base_/models/softmax_r18.py"))\n'
        'train_cfg = dict(max_epochs=1)\nparam_scheduler = dict(total_steps=1)\n'
    )
    work = tmp_path / 'work'
    command = ['compare', tmp_path / 'set.py', '--seeds', '1', '--work-dir', work, '--no-images', *OPTIONS]
    run_tool(*command)
    folder = work / 'runs/held-out/softmax/seed_0'
    with np.load(folder / 'predictions.npz') as file:
        arrays = dict(file)
    np.savez(folder / 'predictions.npz', **(arrays | dict(score=trapped_array(mark))))
    trapped_checkpoint(tmp_path / 'elsewhere.pth', mark)
    trained = json.loads((folder / 'trained.json').read_text())
    trained['best_checkpoint'] = str(tmp_path / 'elsewhere.pth')
    (folder / 'trained.json').write_text(json.dumps(trained))
    (folder / 'selected.pth').unlink()
    done = run_tool(*command, check=False)
    assert done.returncode and not mark.exists()  # its weights are gone
    assert (folder / 'predictions.npz.damaged').exists() and not (folder / 'selected.pth').exists()
    trapped_checkpoint(folder / 'selected.pth', mark)
    done = run_tool(*command, check=False)
    assert done.returncode and REFUSED in (folder / 'job.log').read_text() and not mark.exists()
