"""Runs: their configs and logs."""

import json

import pytest
from mmengine.config import Config

from dacl_mm.comparison.plan.records import read_json, write_json
from dacl_mm.comparison.plan.runs import Run, write_config
from dacl_mm.errors import ComparisonError


@pytest.fixture
def run(tmp_path) -> Run:
    folder = tmp_path / 'runs/held-out/dacl/seed_0'
    folder.mkdir(parents=True)
    return Run('dacl', 0, 'held-out', folder)


@pytest.mark.parametrize(
    ('now', 'said'),
    [(dict(a=1, b=2), r'\+b = 2'), (dict(), '-a = 1'), (dict(a=2), r'-a = 1\n\+a = 2')],
)
def test_a_changed_config_names_its_change(run, now, said):
    write_config(run, Config(dict(a=1)))
    write_config(run, Config(dict(a=1)))  # the same again is fine
    with pytest.raises(ComparisonError, match=f'made with another config(.|\n)*{said}(.|\n)*--work-dir'):
        write_config(run, Config(now))


@pytest.mark.parametrize('damage', [b'', b'{"loss": [1.0', b'[]', b'\xff\xfe'])
def test_a_damaged_result_is_named(run, damage):
    assert run.result() is None
    (run.folder / 'result.json').write_bytes(damage)
    with pytest.raises(ComparisonError, match=r'seed_0/result.json is damaged .*delete it and repeat'):
        run.result()


def test_json_has_no_nan(tmp_path):
    nan = float('nan')
    write_json(dict(loss=[1.0, nan], best=(float('inf'), 2), name='a'), tmp_path / 'a.json')
    strict = json.loads((tmp_path / 'a.json').read_text(), parse_constant=pytest.fail)
    assert strict == dict(loss=[1.0, None], best=[None, 2], name='a') == read_json(tmp_path / 'a.json')


def test_the_log_shows_its_last_error_whatever_follows(run):
    assert run.log_end() == '(no log)' == run.error()
    trace = 'Traceback (most recent call last):\n  File "a.py", line 1, in <module>\n'
    run.log.write_text(f'epoch 1\n{trace}KeyError: old\nresumed\n{trace}ValueError: new\n' + 'warning\n' * 8)
    assert run.log_end().startswith(trace + 'ValueError: new\nwarning')
    assert run.error() == 'ValueError: new'
    run.log.write_text('epoch 1\rKilled\n')
    assert run.error() == 'Killed'
