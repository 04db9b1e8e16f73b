import pytest
from mmengine.registry import init_default_scope

from dacl_mm.benchmarks.machine import Machine
from dacl_mm.benchmarks.setting import Setting


@pytest.fixture(scope='module')
def setting(tmp_path_factory):
    """The smallest setting, on a machine of known rates."""
    init_default_scope('mmpretrain')
    folder = tmp_path_factory.mktemp('benchmark')
    setting = Setting(
        folder, rounds=2, batch_size=4, size=32, train=14, test=7, workers=0, variants=('bfloat16',)
    )
    vars(setting)['machine'] = Machine(1e11, 2e11, 1e10)
    return setting
