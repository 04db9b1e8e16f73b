"""One model on clean and on corrupted images, through a runner."""

import numpy as np
import pytest
import torch
from conftest import REPO
from mmengine.registry import init_default_scope

from dacl_mm.config import load_config, set_options
from dacl_mm.engine.launch import build_runner
from dacl_mm.engine.robustness import set_robustness
from dacl_mm.engine.robustness import test_robustness as on_corrupted_images
from dacl_mm.errors import UserError
from dacl_mm.evaluation.robustness.results import curve, means, table


def runner_of(folder, name, batch=16, **options):
    init_default_scope('mmpretrain')
    cfg = load_config(str(REPO / 'configs' / 'softmax_r18_synthetic.py'))
    few = {'num_images': 28, 'pipeline.0.size': 40, 'pipeline.1.crop_size': 32}
    few = {f'test_dataloader.dataset.{key}': value for key, value in few.items()}
    tiny = {
        'model.backbone.base_channels': 8,
        'model.backbone.stem_channels': 8,
        'model.head.in_channels': 64,
    }
    workers = {'test_dataloader.num_workers': 1, 'test_dataloader.batch_size': batch}
    set_options(cfg, {**few, **tiny, **workers, **options})
    cfg.work_dir, cfg.experiment_name = str(folder), name
    cfg.visualizer.vis_backends = [dict(type='LocalVisBackend')]
    set_robustness(cfg)
    torch.manual_seed(0)
    return build_runner(cfg)


def test_cases_differ_repeat_and_do_not_depend_on_the_batch(tmp_path):
    kinds, strengths = ['gaussian_noise', 'occlusion'], [1, 5]
    found, other = (
        on_corrupted_images(runner_of(tmp_path / str(batch), f'robust_{batch}', batch), kinds, strengths)
        for batch in (16, 5)
    )
    assert found['strengths'] == strengths and list(found['corruptions']) == kinds
    assert found['corruptions']['occlusion']['amounts'] == [0.2, 0.6]
    for kind in kinds:
        rows = found['corruptions'][kind]['metrics']
        assert len(rows) == 2 and rows[0]['fer/ece'] != found['clean']['fer/ece'] != rows[1]['fer/ece']
        for row, again in zip(rows, other['corruptions'][kind]['metrics']):
            assert row == pytest.approx(again, abs=1e-3, nan_ok=True)
    accuracy = curve(found, 'occlusion', 'accuracy/top1')
    assert means(found, 'accuracy/top1')['occlusion'] == pytest.approx(np.mean(accuracy[1:]))
    lines = table(found).splitlines()
    assert lines[0].startswith('accuracy (%), ') and lines[4].startswith('all kinds')
    assert len({len(line) for line in lines[1:5]}) == 1


def test_the_pipeline_is_itself_again(tmp_path):
    runner = runner_of(tmp_path, 'robust_pipeline')
    pipeline = runner.test_dataloader.dataset.pipeline
    on_corrupted_images(runner, ['contrast'], [3])
    assert runner.test_dataloader.dataset.pipeline is pipeline and len(pipeline.transforms) == 3


def test_what_the_table_needs_is_asked_for(tmp_path):
    runner = runner_of(tmp_path, 'robust_metrics', test_evaluator=[dict(type='FERMetric')])
    with pytest.raises(UserError, match='yields no accuracy/top1: add dict'):
        on_corrupted_images(runner, ['contrast'], [3])
