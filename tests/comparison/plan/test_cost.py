"""What a method's cost is counted for: the images that its network sees."""

import pytest

from dacl_mm.comparison.plan.cost import input_shape
from dacl_mm.config import load_config
from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.models.preprocessors import has_counterpart


@pytest.mark.parametrize('on_device', [False, True])
def test_the_shape_of_an_image_is_that_after_all_transforms(on_device):
    cfg = load_config('softmax_r18_synthetic')
    if on_device:
        move_to_device(cfg, has_counterpart)
    assert input_shape(cfg) == (3, 64, 64)
