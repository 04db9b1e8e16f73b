"""What a person sees of a run's log, and which hooks it has."""

import logging

import pytest

from dacl_mm.config import load_config, set_options
from dacl_mm.engine.launch import build_runner
from dacl_mm.engine.runner import for_people


def record(text: str, level: int = logging.INFO) -> logging.LogRecord:
    return logging.LogRecord('mmengine', level, __file__, 1, text, None, None)


@pytest.mark.parametrize(
    'text',
    [
        '\n' + 60 * '-' + '\nSystem environment:\n    sys.platform: linux',
        'Config:\nmodel = dict()',
        'Hooks will be executed in the following order:\nbefore_run:',
        'Distributed training is not used, all SyncBatchNorm (SyncBN) layers ...',
    ],
)
def test_dumps_and_idle_messages_stay_off_the_console(text):
    assert not for_people(record(text))


def test_long_tables_and_warnings_are_shown():
    assert for_people(record('validation results\n' + 'row\n' * 40))
    assert for_people(record('Epoch(train) [1][2/2]  loss: 1.0'))
    assert for_people(record('something to act on', logging.WARNING))


def test_a_default_hook_that_is_none_is_left_out(tmp_path):
    cfg = load_config('softmax_r18_synthetic')
    cfg.work_dir = str(tmp_path)
    left_out = dict(non_finite='NonFiniteHook', autosave='AutosaveHook', timer='IterTimerHook')
    present = {type(hook).__name__ for hook in build_runner(cfg).hooks}
    assert present > set(left_out.values())
    set_options(cfg, {f'default_hooks.{name}': None for name in left_out})
    cfg.experiment_name = 'without'
    assert {type(hook).__name__ for hook in build_runner(cfg).hooks} - {'Hook'} == present - set(
        left_out.values()
    )
