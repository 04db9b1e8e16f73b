"""The time that a dry run foretells."""

import pytest
from conftest import REPO
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from dacl_mm.comparison.plan import estimate as module
from dacl_mm.comparison.plan.estimate import Estimator, Sample, time_step
from dacl_mm.config import load_config, set_options


@TRANSFORMS.register_module()
class Slow(BaseTransform):
    """Takes a second of the clock, and counts the images."""

    seen = 0

    def transform(self, results):
        type(self).seen += 1
        return results


@pytest.fixture
def cfg(monkeypatch):
    cfg = load_config(str(REPO / 'configs/softmax_r18_synthetic.py'))
    part = {'num_workers': 0, 'batch_size': 4, 'dataset.num_images': 400}
    options = {f'{name}_dataloader.{key}': v for name in ('train', 'val', 'test') for key, v in part.items()}
    set_options(cfg, options | {'train_cfg.max_epochs': 3})
    for name in ('train', 'val', 'test'):
        cfg[f'{name}_dataloader'].dataset.pipeline.insert(0, dict(type='Slow'))
    monkeypatch.setattr(Slow, 'seen', 0)
    monkeypatch.setattr(module.time, 'perf_counter', lambda: float(Slow.seen))
    return cfg


def test_each_pass_counts_and_shared_images_are_read_once(cfg, monkeypatch):
    monkeypatch.setattr(module, 'time_step', lambda cfg, sample: 12.0)  # seconds for 4 images
    monkeypatch.setattr(module.os, 'cpu_count', lambda: 2)
    monkeypatch.setattr(module.torch.cuda, 'is_available', lambda: False)
    estimate = Estimator()
    three = estimate(cfg)
    assert Slow.seen == 3 * 4  # a batch of each part
    cfg.train_cfg.max_epochs = 6
    six = estimate(cfg)
    assert Slow.seen == 3 * 4
    # 400 images to train on and 400 to validate; predicting takes a third of 3 s.
    assert six - three == pytest.approx(3 * 400 * (3 + 1 + 2 * 1))
    assert three - 400 * (3 * (3 + 1 + 2 * 1) + 1 + 1) == pytest.approx(estimate._start)

    cfg.train_dataloader.num_workers = 4  # they share two cores
    assert six - estimate(cfg) == pytest.approx(6 * 400 * 0.5)
    monkeypatch.setattr(module.torch.cuda, 'is_available', lambda: True)  # they work meanwhile
    assert six - estimate(cfg) == pytest.approx(6 * 400 * 1)


def test_a_step_is_a_training_step_and_leaves_the_warm_up_out(cfg, monkeypatch):
    sizes = []
    ticks = iter(range(1000))

    class Model(module.torch.nn.Linear):
        def train_step(self, batch, wrapper):
            sizes.append(len(batch['inputs']))
            for _ in range(len(sizes) - 1):
                next(ticks)  # each step takes a second more than the one before

    monkeypatch.setattr(module.MODELS, 'build', lambda cfg: Model(2, 2))
    monkeypatch.setattr(module.time, 'perf_counter', lambda: float(next(ticks)))
    assert time_step(cfg, Sample([], dict(inputs=list(range(8)), data_samples=list(range(8))), 0.0)) == 2.0
    assert sizes == [2, 8]
