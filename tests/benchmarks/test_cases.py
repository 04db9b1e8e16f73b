"""Every case runs, and gives positive numbers for every row that it should have."""

import math

import pytest
import torch

from dacl_mm.benchmarks.cases import CASES
from dacl_mm.benchmarks.gpu import gpu, require_gpu
from dacl_mm.benchmarks.table import Row
from dacl_mm.errors import UserError

QUICK = ('draws', 'data')
LIMITS = {'arithmetic', 'memory bandwidth', 'input', 'Python'}
PARTS = {
    'train-step': (
        ['step: dacl, plain loop', 'step: dacl, exact', 'step: center, exact', 'step: softmax, exact',
         'step: dacl, bfloat16', 'forward: dacl, exact'],
        ['step: dacl over softmax', 'step: dacl over center', 'step: dacl, exact over plain loop',
         'forward: dacl over softmax'],
    ),
    'predict': (
        ['predict 1: plain loop', 'predict 1: dacl, exact', 'predict 7: dacl, bfloat16'],
        ['predict 7: dacl over softmax', 'predict 1: dacl, exact over plain loop'],
    ),
    'export': (
        ['export 1: r18h, torch', 'export 7: r18, ONNX float32'],
        ['export 7: r18h, ONNX int8', 'export 1: r18, ONNX float16',
         'export 1: r18, ONNX int8 over torch'],
    ),
    'data': (['data: ImageFolder + PIL', 'data: exact'], ['data: exact over ImageFolder + PIL']),
    'epoch': (
        ['epoch: plain loop', 'epoch: exact', 'epoch: bfloat16'],
        ['epoch: exact over plain loop', 'waits for checkpoints: exact', 'written: exact',
         'written: plain loop', 'memory of the trainer: exact', 'memory of the trainer: plain loop'],
    ),
    'process': (
        ['process: plain loop, wall', 'process: exact, wall'],
        ['process: exact, cpu', 'process: exact over plain loop, wall',
         'process: exact over plain loop, cpu'],
    ),
    'import': (
        [],
        ['import dacl_mm', 'import mmpretrain', 'import: dacl_mm over mmpretrain',
         'start of tools/train.py to its first step'],
    ),
    'agreement': ([], ['agreement: bfloat16']),
    'monitor': ([], ['monitor: hook over step']),
    'draws': ([], ['draws: seeded over plain']),
    'serve': (
        [],
        ['1 camera: answers', '1 camera: latency, 99 %', '4 cameras: answers', '4 cameras: latency, 50 %',
         '4 cameras: answered share', '4 senders: answers', '4 senders: latency, 95 %',
         'memory of the server'],
    ),
}  # fmt: skip


def check(rows: list[Row], rounds: int) -> dict[str, Row]:
    by_name = {row.name: row for row in rows}
    assert len(by_name) == len(rows)
    for row in rows:
        assert len(row.values) == rounds, row
        assert all(math.isfinite(value) and value > 0 for value in row.values), row
        assert row.limit is None or row.limit in LIMITS
        assert (row.best is None) or (math.isfinite(row.best) and row.best > 0)
    return by_name


@pytest.mark.parametrize(
    'case',
    [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in CASES],
)
def test_a_case_has_its_rows(case, setting):
    found = check(list(CASES[case](setting)), 1 if case == 'agreement' else setting.rounds)
    limited, others = PARTS[case]
    for name in limited:
        assert found[name].limit and found[name].best, name
    for name in others:
        assert name in found
    for name, row in found.items():
        if name.endswith('exact over plain loop') and case == 'train-step':
            over = found[name.removesuffix(' over plain loop')]
            under = found[f'{name.split(":")[0]}: dacl, plain loop']
            assert row.values == pytest.approx([a / b for a, b in zip(over.values, under.values)])


def test_every_case_is_tested():
    assert PARTS.keys() == CASES.keys()


@pytest.mark.slow
def test_all_rows_of_a_gpu_come_and_what_was_not_measured_is_named(setting, capsys):
    rows = list(gpu(setting, seconds=0, rest=0))
    names = {row.name for row in rows}
    assert {'epoch: exact over plain loop', 'step: dacl over softmax', 'data: exact'} <= names
    (whole,) = [row for row in rows if row.name.startswith('60 epochs: ')]
    assert whole.name.endswith(', 2 run') and whole.median > whole.best > 0
    out = capsys.readouterr().out
    assert 'compiled: not measured' in out and 'CUDA graphs: not measured' in out


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_gpu_rows_need_a_gpu():
    with pytest.raises(UserError, match='--gpu'):
        require_gpu()
