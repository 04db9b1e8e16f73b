"""What a method's cost is counted for: the images that its network sees."""

import pytest
from mmpretrain.registry import MODELS

from dacl_mm.comparison.plan.cost import input_shape, model_cost
from dacl_mm.config import load_config
from dacl_mm.config.device_pipeline import move_to_device
from dacl_mm.models.preprocessors import has_counterpart


@pytest.mark.parametrize('on_device', [False, True])
def test_the_shape_of_an_image_is_that_after_all_transforms(on_device):
    cfg = load_config('softmax_r18_synthetic')
    if on_device:
        move_to_device(cfg, has_counterpart)
    assert input_shape(cfg) == (3, 64, 64)


@pytest.mark.parametrize('name', ['ratio', 'precision'])
def test_what_predicts_by_centers_costs_what_it_evaluates(name):
    cfg = load_config('softmax_r18_synthetic')
    cfg.model = load_config(f'_base_/models/{name}_r18').model
    costs = {}
    for by in ('classifier', 'both'):
        cfg.model.head.predict_by = by
        costs[by] = model_cost(cfg, (3, 64, 64))
    assert costs['classifier']['deploy_parameters'] == 11_180_103
    head = MODELS.build(cfg.model.head)
    more = sum(p.numel() for part in (head.attention, head.centers) for p in part.parameters())
    assert more > 7 * 512 and costs['both']['deploy_parameters'] == 11_180_103 + more
    assert costs['both']['deploy_flops'] >= costs['classifier']['deploy_flops']
