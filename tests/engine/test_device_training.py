"""A training whose transforms have moved to the device is the one it was."""

import pytest
import torch
from device_run import CROP, EDGE, FLIP, run

from dacl_mm.models.preprocessors import BatchPreprocessor


@pytest.mark.parametrize('name', ['dacl_r18_synthetic', 'softmax_r18_synthetic'])
def test_what_is_learnt_is_the_same(name, tmp_path):
    (there, wanted), (here, found) = (
        run(name, tmp_path, on_device, [EDGE, CROP, FLIP]) for on_device in (False, True)
    )
    assert isinstance(here.model.data_preprocessor, BatchPreprocessor)
    assert not isinstance(there.model.data_preprocessor, BatchPreprocessor)
    assert torch.equal(wanted, found)
    weights = there.model.state_dict()
    assert weights.keys() == here.model.state_dict().keys()
    for key, value in here.model.state_dict().items():
        assert torch.equal(value, weights[key]), key


def test_random_transforms_repeat_whatever_the_loader_processes(tmp_path):
    first, again = (
        run('softmax_r18_synthetic', tmp_path / str(workers), True, workers=workers)[1] for workers in (0, 2)
    )
    other = run('softmax_r18_synthetic', tmp_path / 'seed', True, **{'randomness.seed': 1})[1]
    assert torch.equal(first, again) and not torch.equal(first, other)
