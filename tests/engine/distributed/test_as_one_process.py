"""One, two and four processes train the same model, and say the same of it."""

import os
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dist import get_rank, get_world_size
from mmengine.hooks import Hook
from mmpretrain.registry import HOOKS
from rank_processes import run_ranks
from rank_training import GLOBAL_BATCH, settings, trained

from dacl_mm.comparison.run.hooks import prediction_record
from dacl_mm.engine.launch import build_runner
from dacl_mm.errors import UserError
from dacl_mm.models.losses import center_sums

SIZES = [2, pytest.param(4, marks=pytest.mark.slow)]
#: Name -> (steps of an epoch, accumulative_counts, options of settings).
CASES = {
    'batches that go round': (4, 1, dict()),
    'gradient accumulation': (2, 2, dict()),
    'images that do not go round, dropped': (3, 1, dict(count=45)),
    'a last batch of uneven shares': (
        5,
        1,
        dict(count=59, drop_last=False, sampler=dict(type='ShuffleSampler', rest='share')),
    ),
    'balanced classes': (3, 1, dict(count=45, sampler=dict(type='BalancedSampler'))),
}
CHECKPOINT = dict(checkpoint=dict(type='AtomicCheckpointHook', interval=1))
RESUMABLE = [dict(type=f'{name}Hook') for name in ('CenterUpdate', 'GlobalBatch', 'PlainCheckpoint')]


@HOOKS.register_module()
class Perturb(Hook):
    """Move one number of the centres of the last process by the least there is."""

    priority = 'LOW'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if get_rank() == get_world_size() - 1 and runner.iter == 2:
            centers = runner.model.module.head.loss_center.centers
            centers[1, 2] = np.nextafter(centers[1, 2].item(), np.inf)


def accumulating(counts: int) -> dict:
    return dict(optimizer=dict(type='SGD', lr=0.1, momentum=0.9), accumulative_counts=counts)


def resumable(folder: Path, batch: int, epochs: int, counts: int = 1, **options):
    return settings(
        folder,
        batch,
        train_cfg=dict(by_epoch=True, max_epochs=epochs),
        default_hooks=CHECKPOINT,
        custom_hooks=RESUMABLE,
        optim_wrapper=accumulating(counts),
        **options,
    )


def fault(cfg) -> str:
    try:
        trained(cfg)
    except UserError as error:
        return str(error)
    return ''


def session(folder: Path) -> dict:
    """All that one process, or one of several, has to tell."""
    torch.set_default_dtype(torch.float64)
    size = int(os.environ.get('WORLD_SIZE', 1))
    batch, told = GLOBAL_BATCH // size, {}
    for name, (_, counts, options) in CASES.items():
        told[name] = trained(settings(folder / 'run', batch, optim_wrapper=accumulating(counts), **options))

    runner = build_runner(settings(folder / 'test', 2, custom_hooks=[dict(type='PredictionRecordHook')]))
    told['metrics'] = runner.test()

    source = folder.parent / 'two_processes'
    if size == 2:  # one epoch here, the second one there
        trained(resumable(source, batch, 1))
    for name, its_batch, counts in (('resumed', batch, 1), ('other batch', 2 * batch, 1)):
        copy = folder / name
        if size != 2 and get_rank() == 0:
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns('.*'))
        if size > 1:
            torch.distributed.barrier()
        where = dict(resume=True, load_from=str(source / 'epoch_1.pth'), accept_changes=True)
        cfg = resumable(copy, its_batch, 2, counts, **where)
        told[name] = trained(cfg) if name == 'resumed' else fault(cfg)

    if size > 1:
        for name, interval in (('drift in an epoch', 2), ('drift at its end', 1000)):
            hooks = [dict(type='CenterUpdateHook', check_interval=interval)]
            hooks += [dict(type='Perturb'), dict(type='SyncBuffersHook')]
            told[name] = fault(settings(folder / 'run', batch, custom_hooks=hooks))
        short = dict(count=37, drop_last=False, sampler=dict(type='ShuffleSampler', rest='share'))
        told['fewer batches'] = fault(settings(folder / 'run', batch, **short))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter('always')
            hooks = [dict(type='ChannelsLastHook'), dict(type='CenterUpdateHook')]
            told['channels last'] = trained(settings(folder / 'run', batch, custom_hooks=hooks))
        told['warnings'] = [str(warning.message) for warning in caught]

    torch.set_default_dtype(torch.float32)
    reduced, original = [], center_sums.all_reduce
    center_sums.all_reduce = lambda data: (reduced.append(data.dtype), original(data))[1]
    half = dict(type='BFloat16OptimWrapper', optimizer=dict(type='SGD', lr=0.1))
    told['bfloat16'] = trained(settings(folder / 'run', batch, optim_wrapper=half))
    told['dtypes'] = {str(dtype) for dtype in reduced}
    return told


class Told(dict):
    """Number of processes -> what each of them tells, asked for when it is needed."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __missing__(self, size: int) -> list[dict]:
        if size != 2:
            self[2]  # writes the checkpoint that others go on from
        self[size] = run_ranks(self.folder / str(size), size, session, self.folder / str(size))
        return self[size]


@pytest.fixture(scope='module')
def told(tmp_path_factory) -> Told:
    return Told(tmp_path_factory.mktemp('ranks'))


def assert_same(a, b, **tolerance) -> None:
    for key in a['weights'].keys() | b['weights'].keys():
        np.testing.assert_allclose(a['weights'][key], b['weights'][key], err_msg=key, **tolerance)


@pytest.mark.promise(
    'Any number of processes',
    '1, 2 or 4 processes at the same global batch',
    'same gradients of every parameter and same centres after each step, to 1e-6 in float64',
)
@pytest.mark.parametrize('case', CASES)
@pytest.mark.parametrize('size', SIZES)
def test_gradients_and_centers_do_not_depend_on_the_number_of_processes(told, case, size):
    one = told[1][0][case]
    assert len(one['gradients']) == 2 * CASES[case][0]
    for rank in told[size]:
        for mine, its in zip(rank[case]['gradients'], one['gradients'], strict=True):
            for name in its:
                np.testing.assert_allclose(mine[name], its[name], rtol=1e-6, atol=1e-9, err_msg=name)
        assert_same(rank[case], one, rtol=1e-6, atol=1e-9)


@pytest.mark.promise(
    'Any number of processes',
    'any number of processes',
    'centres bit-identical on all of them',
)
@pytest.mark.parametrize('size', SIZES)
def test_all_processes_hold_the_same_centers(told, size):
    for case in (*CASES, 'bfloat16'):
        first, *others = (rank[case]['centers'].tobytes() for rank in told[size])
        assert all(other == first for other in others), case


@pytest.mark.promise(
    'Any number of processes',
    "one process's centres drift by one bit",
    'the run stops, with a message that names the process',
)
@pytest.mark.parametrize('case', ['drift in an epoch', 'drift at its end'])
@pytest.mark.parametrize('size', SIZES)
def test_centers_that_drift_apart_stop_the_run(told, case, size):
    where = 'iteration 4' if case == 'drift in an epoch' else 'epoch 1'
    for rank in told[size]:
        assert where in rank[case]
        assert f'the class centres of process {size - 1} (of 0 to {size - 1}) differ' in rank[case]


@pytest.mark.promise(
    'Any number of processes',
    'a test part whose size the number of processes does not divide',
    'same scores as one process: each image counts once, and is recorded once',
)
@pytest.mark.parametrize('size', SIZES)
def test_scores_do_not_depend_on_the_number_of_processes(told, size):
    one = told[1][0]
    expected = np.load(told.folder / '1/test' / prediction_record.FILE)
    assert len(expected['path']) == len(set(expected['path'])) == 19
    for rank in told[size]:
        assert rank['metrics'] == pytest.approx(one['metrics'], abs=1e-9)
    found = np.load(told.folder / str(size) / 'test' / prediction_record.FILE)
    for key in expected.files:
        if key in ('path', 'label'):
            assert found[key].tolist() == expected[key].tolist()
        else:
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-6, atol=1e-7)


@pytest.mark.promise(
    'Any number of processes',
    'resumed on more or fewer processes, at the same global batch',
    'ends with the same weights, to 1e-6 in float64',
)
@pytest.mark.parametrize('size', [1, *SIZES[1:]])
def test_resuming_on_another_number_of_processes_is_exact(told, size):
    for rank in told[size]:
        assert_same(rank['resumed'], told[1][0]['batches that go round'], rtol=1e-6, atol=1e-9)


@pytest.mark.promise(
    'Any number of processes',
    'resumed on another number of processes, at another global batch',
    'refused, with the keys to change',
)
@pytest.mark.parametrize('size', [1, *SIZES[1:]])
def test_resuming_with_another_global_batch_is_refused(told, size):
    for rank in told[size]:
        message = rank['other batch']
        assert 'steps of 12 images (batch_size 6 x 2 processes x accumulative_counts 1)' in message
        assert f'24 images (batch_size {24 // size} x {size} processes' in message
        assert 'train_dataloader.batch_size and optim_wrapper.accumulative_counts' in message
    assert told[2][0]['other batch'] == ''  # a change of the config alone is warned of


@pytest.mark.promise(
    'Any number of processes',
    'a process would have one batch fewer than the others',
    'refused before the first step',
)
@pytest.mark.parametrize('size', SIZES)
def test_processes_with_different_numbers_of_batches_are_refused(told, size):
    for rank in told[size]:
        assert f'4, 3{", 3, 3" * (size == 4)} batches on the {size} processes' in rank['fewer batches']


@pytest.mark.parametrize('size', SIZES)
def test_weights_are_laid_out_before_ddp_makes_its_buckets(told, size):
    for rank in told[size]:
        assert not [text for text in rank['warnings'] if 'strides' in text]
        assert_same(rank['channels last'], told[1][0]['batches that go round'], rtol=1e-6, atol=1e-9)


@pytest.mark.promise(
    'Any number of processes',
    'bfloat16 autocast on several processes',
    'gradients and centre sums are reduced in float32',
)
@pytest.mark.parametrize('size', SIZES)
def test_reductions_are_in_float32_under_autocast(told, size):
    for rank in told[size]:
        assert rank['dtypes'] == {'torch.float32'}
        dtypes = {value.dtype for step in rank['bfloat16']['gradients'] for value in step.values()}
        assert dtypes == {np.dtype('float32')}
        np.testing.assert_allclose(rank['bfloat16']['centers'], told[1][0]['bfloat16']['centers'], atol=0.02)
