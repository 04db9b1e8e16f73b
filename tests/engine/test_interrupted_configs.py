"""Whole configs that are stopped inside an epoch: as they are, with --fast, data that vanish."""

import os
import signal

import layouts
import pytest
from mmengine.hooks import Hook
from same_run import assert_same_run
from tiny_config import write_config

from dacl_mm.config import load_config
from dacl_mm.config.loading import set_options
from dacl_mm.engine.checkpoint.resume import latest_checkpoint, set_resume
from dacl_mm.engine.fast import set_fast
from dacl_mm.engine.launch import build_runner, files_on_disk
from dacl_mm.engine.stop import STOP, Interrupted
from dacl_mm.errors import UnreadableImageError


class Signal(Hook):
    """Asks its own process to stop in an iteration, counted from 0."""

    def __init__(self, at: int):
        self.at = at

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.iter == self.at:
            os.kill(os.getpid(), signal.SIGTERM)


def runner_of(config, work, fast=False, resume=False, **options):
    cfg = load_config(str(config))
    set_options(cfg, options)
    cfg.work_dir, cfg.experiment_name = str(work), f'{work.parent.name}_{work.name}_{resume}'
    if fast:
        set_fast(cfg)
        cfg.custom_hooks.append(dict(type='DeviceDataHook'))
    set_resume(cfg, 'auto' if resume else None)
    return build_runner(cfg)


@pytest.mark.promise(
    'Any interruption',
    'stopped inside an epoch with --fast and the data on the device',
    'resumed, it ends bit-identical',
)
@pytest.mark.parametrize('fast', [False, True])
def test_stopped_inside_an_epoch(tmp_path, fast):
    config = write_config(tmp_path / 'tiny.py', 32, epochs=3)
    whole, cut = tmp_path / 'whole', tmp_path / 'cut'
    runner_of(config, whole, fast).train()
    runner = runner_of(config, cut, fast)
    runner.register_hook(Signal(5))
    with pytest.raises(Interrupted), STOP.listening(), files_on_disk(runner):
        runner.train()
    assert latest_checkpoint(cut).name == 'autosave_epoch_1_iter_2.pth'
    again = runner_of(config, cut, fast, resume=True)
    again.train()
    assert_same_run(whole, cut)
    inputs = next(iter(again.train_dataloader))['inputs']
    assert (tuple(inputs.shape[1:]) == (2,)) == fast  # places on the device


class Vanish(Hook):
    """Takes the data away amid the second epoch."""

    def __init__(self, root):
        self.root = root

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.epoch == 1:
            self.root.rename(self.root.with_name('elsewhere'))


@pytest.mark.promise(
    'Any interruption',
    'the folder of the images vanishes during training',
    'the image is named; the checkpoint before is whole, and goes on to the same end',
)
def test_images_that_vanish(tmp_path):
    layouts.folder(tmp_path / 'faces')
    more = f"""load, pack = dict(type='LoadFace'), dict(type='PackInputs')
pipeline = [load, dict(type='CenterCrop', crop_size=32), pack]
data = dict(_delete_=True, type='FERFolder', data_root={str(tmp_path / 'faces')!r}, pipeline=pipeline)
train_dataloader.update(batch_size=4, dataset=dict(data, split='trainval'))
val_dataloader.update(dataset=dict(data, split='test'))
test_dataloader.update(dataset=dict(data, split='test'))
"""
    config = write_config(tmp_path / 'tiny.py', 32, epochs=2, more=more)
    whole, cut = tmp_path / 'whole', tmp_path / 'cut'
    runner_of(config, whole).train()
    runner = runner_of(config, cut)
    runner.register_hook(Vanish(tmp_path / 'faces'))
    with pytest.raises(UnreadableImageError, match='faces'), files_on_disk(runner):
        runner.train()
    (tmp_path / 'elsewhere').rename(tmp_path / 'faces')
    runner_of(config, cut, resume=True).train()
    assert_same_run(whole, cut)
