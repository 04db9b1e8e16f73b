"""Trainings in every precision against float32: losses, centres, and the average of the weights."""

import numpy as np
import pytest
import torch
from precision_run import BATCH, STEPS, small_config, train

from dacl_mm.engine.compiled import require_compiler
from dacl_mm.errors import UserError
from dacl_mm.engine.fast import set_fast

BF16 = {'optim_wrapper.type': 'BFloat16OptimWrapper'}
CLIP = {'optim_wrapper.clip_grad': dict(max_norm=5)}
HALVES = {'optim_wrapper.accumulative_counts': 2, 'train_dataloader.batch_size': BATCH // 2}
EMA = {'default_hooks.ema': dict(type='EMAHook', momentum=0.05)}
TRACED = {'compile': dict(backend='aot_eager')}  # what is compiled, without a C++ compiler's minute
#: Settings, and how far the mean loss of the last epoch may be from float32's (docs/reliability.md).
SETTINGS = {
    'channels last': ({}, 0.01),
    'bfloat16': (BF16, 0.03),
    'float16 with loss scaling': ({'optim_wrapper.type': 'CpuAmpOptimWrapper'}, 0.03),
    'compiled': (TRACED, 0.01),
    'two batches a step': (HALVES, 0.1),
    'clipped gradients': (CLIP, 0.1),
    'averaged weights': (EMA, 0.01),
    'all together': (BF16 | CLIP | HALVES | EMA | TRACED, 0.1),
}


@pytest.fixture(scope='module')
def reference(tmp_path_factory):
    cfg = small_config(tmp_path_factory.mktemp('reference'), 'float32')
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.type != 'ChannelsLastHook']
    return train(cfg)[1]


@pytest.mark.promise(
    'Any precision',
    'bfloat16, float16 with loss scaling, channels last, compiled, accumulated or clipped gradients, averaged '
    'weights, or all together',
    'the loss stays within the tolerance below of float32; centres are in float32, and those of float64 loops',
)
@pytest.mark.slow
@pytest.mark.parametrize('name', SETTINGS)
def test_the_loss_is_that_of_float32_and_centers_are_exact(tmp_path, reference, name):
    options, tolerance = SETTINGS[name]
    runner, losses, witness = train(small_config(tmp_path, name.replace(' ', '_'), **options))
    last = STEPS * (len(losses) // len(reference))
    assert abs(np.mean(losses[-last:]) / np.mean(reference[-STEPS:]) - 1) < tolerance
    assert np.mean(reference[-STEPS:]) < 0.75 * np.mean(reference[:STEPS])  # there is something to miss
    assert witness.dtypes == {torch.float32}
    np.testing.assert_allclose(witness.loss.centers.numpy(), witness.centers, rtol=1e-4, atol=1e-5)
    assert all(p.dtype == torch.float32 for p in runner.model.parameters())
