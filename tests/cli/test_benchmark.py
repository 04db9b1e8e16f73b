"""tools/benchmark.py: its table and its JSON file."""

import json
import os
import sys

import pytest

from dacl_mm.benchmarks import machine
from dacl_mm.cli.benchmark import main

SMALL = [
    '--rounds',
    '2',
    '--size',
    '32',
    '--batch-size',
    '4',
    '--train',
    '14',
    '--test',
    '7',
    '--workers',
    '0',
]


@pytest.fixture
def call(monkeypatch):
    """Call the command on a machine that is measured in no time."""
    monkeypatch.setattr(machine, 'SIDE', 64)
    monkeypatch.setattr(machine, 'NUMBERS', 1024)
    monkeypatch.setenv('DACL_CACHE', os.environ['DACL_CACHE'])  # is set by the command, and restored

    def run(*arguments):
        monkeypatch.setattr(sys, 'argv', ['benchmark.py', *map(str, arguments)])
        main()

    return run


def test_rows_are_printed_and_written(call, tmp_path, capsys):
    call('data', 'draws', *SMALL, '--json', tmp_path / 'rows.json')
    out = capsys.readouterr().out
    assert 'batch 4 at 32 px, 14 + 7 images, 2 rounds' in out
    found = json.loads((tmp_path / 'rows.json').read_text())
    assert found['setting'] == dict(rounds=2, batch_size=4, size=32, train=14, test=7, workers=0)
    assert all(found['machine'][rate] > 0 for rate in ('float32', 'bfloat16', 'bandwidth'))
    assert list(found['cases']) == ['data', 'draws']
    for row in found['cases']['data'] + found['cases']['draws']:
        assert len(row['values']) == 2 and row['median'] > 0 and row['name'] in out
    assert any(row['limit'] == 'input' and row['share'] > 0 for row in found['cases']['data'])


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['speed'], "unknown benchmark 'speed'"),
        (['data', '--rounds', '1'], '--rounds must be >= 2'),
        (['data', '--batch-size', '9', '--train', '8'], 'at most --train'),
        (['data', '--gpu'], '--gpu has cases of its own'),
    ],
)
def test_options_that_measure_nothing_are_refused(call, capsys, arguments, message):
    with pytest.raises(SystemExit):
        call(*arguments)
    assert message in capsys.readouterr().err
