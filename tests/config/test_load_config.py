"""Config files elsewhere than in this package."""

import os
import subprocess
import sys

import pytest
from conftest import REPO
from mmengine.config import Config

from dacl_mm.config import load_config, require
from dacl_mm.errors import MissingFileError, UserError


@pytest.fixture
def write(tmp_path):
    def write(name: str, text: str):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def test_bases_of_the_package_beside_own_ones(write):
    write(
        'parts/data.py',
        """_base_ = 'dacl_mm::_base_/datasets/ferplus_64px.py'
where = '{{ fileDirname }} {{fileBasenameNoExtension}}'
""",
    )
    path = write(
        'mine.py',
        """_base_ = [
    'parts/data.py',
    'dacl_mm::_base_/models/dacl_r18.py',
    'dacl_mm::_base_/schedules/dacl_60e',
    'dacl_mm::_base_/default_runtime.py',
]
model = dict(backbone=dict(frozen_stages={{_base_.model.backbone.num_stages}}))
""",
    )
    cfg = load_config(str(path))
    assert cfg.filename == str(path) and cfg.where == f'{path.parent}/parts data'
    assert cfg.model.head.type == 'DACLHead' and cfg.model.backbone.frozen_stages == 4
    assert cfg.train_cfg.max_epochs == 60 and cfg.default_scope == 'mmpretrain'
    leaks = cfg.train_dataloader.dataset.exclude_file
    assert os.path.samefile(leaks, REPO / 'configs/_base_/datasets/ferplus_publictest_leaks.txt')
    assert '_scope_' not in cfg.pretty_text


def test_whole_leaf_as_base_equals_the_leaf(write):
    path = write('mine.py', "_base_ = 'dacl_mm::dacl_r18_rafdb'\n")
    assert load_config(str(path)).to_dict() == load_config('dacl_r18_rafdb').to_dict()


def test_an_expression_names_the_package_for_mmengine_alone(write):
    """What the configs' README gives for other programs; nothing is imported before."""
    path = write('mine.py', """_base_ = f"{__import__('dacl_mm').hub.config_dir()}/dacl_r18_rafdb.py"\n""")
    script = 'import sys; from mmengine import Config; print(Config.fromfile(sys.argv[1]).model.head.type)'
    env = {**os.environ, 'PYTHONPATH': str(REPO)}
    done = subprocess.run([sys.executable, '-c', script, path], env=env, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1:] == ['DACLHead'], done.stderr
    assert load_config(str(path)).model.head.type == 'DACLHead'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a = (\n', 'line 1'),
        ('a = 1\nb = a +\n', 'line 2'),
        ("_base_ = 'dacl_mm::nowhere.py'\n", 'nowhere.py'),
        ("_base_ = 'nowhere.py'\n", 'nowhere.py'),
        ('a = unknown_name\n', "NameError: name 'unknown_name'"),
        ("custom_imports = dict(imports=['no_such_module'])\n", 'no_such_module'),
        (
            "_base_ = ['dacl_mm::_base_/models/dacl_r18.py', 'dacl_mm::_base_/models/center_r18.py']\n",
            'model',
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_reason(write, text, message):
    path = write('mine.py', text)
    with pytest.raises(UserError) as caught:
        load_config(str(path))
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_a_file_that_is_no_text_is_named(tmp_path):
    (tmp_path / 'mine.py').write_bytes(b'\xff\xfe\x00')
    with pytest.raises(UserError, match=r'mine\.py'):
        load_config(str(tmp_path / 'mine.py'))
    with pytest.raises(MissingFileError, match='nowhere'):
        load_config('nowhere')


def test_missing_keys_are_named_together():
    cfg = Config(
        dict(train_dataloader=dict(), val_cfg=dict(), val_dataloader=None), cfg_text=' ', filename='mine.py'
    )
    with pytest.raises(UserError) as caught:
        require(cfg, 'model', 'train_dataloader')
    text = str(caught.value)
    assert 'mine.py lacks model, optim_wrapper, train_cfg, val_dataloader, val_evaluator' in text
    assert "_base_ = 'dacl_mm::dacl_r18_rafdb.py'" in text
