"""Trainings in every precision against float32: losses, centres, and the average of the weights."""

import shutil

import numpy as np
import pytest
import torch
from conftest import REPO, run_tool
from precision_run import BATCH, STEPS, small_config, train

from dacl_mm.config import check_protocol
from dacl_mm.engine.compiled import require_compiler
from dacl_mm.engine.launch import build_runner
from dacl_mm.errors import UserError

BF16 = {'optim_wrapper.type': 'BFloat16OptimWrapper'}
CLIP = {'optim_wrapper.clip_grad': dict(max_norm=60)}
HALVES = {'optim_wrapper.accumulative_counts': 2, 'train_dataloader.batch_size': BATCH // 2}
EMA = {'default_hooks.ema': dict(type='EMAHook', momentum=0.05)}
TRACED = {'compile': dict(backend='aot_eager')}  # what is compiled, without a C++ compiler's minute
#: Settings, and how far the mean loss of the last epoch may be from float32's (docs/reliability.md).
SETTINGS = {
    'channels last': ({}, 0.05),
    'bfloat16': (BF16, 0.1),
    'float16 with loss scaling': ({'optim_wrapper.type': 'CpuAmpOptimWrapper'}, 0.1),
    'compiled': (TRACED, 0.05),
    'compiled by inductor': ({'compile': True}, 0.05),
    'two batches a step': (HALVES, 0.1),
    'clipped gradients': (CLIP, 0.1),
    'averaged weights': (EMA, 0.05),
    'all together': (BF16 | CLIP | HALVES | EMA | TRACED, 0.15),
}


@pytest.fixture(scope='module')
def reference(tmp_path_factory):
    cfg = small_config(tmp_path_factory.mktemp('reference'), 'float32')
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.type != 'ChannelsLastHook']
    return train(cfg)[1]


@pytest.mark.promise(
    'Any precision',
    'bfloat16, float16 with loss scaling, channels last, compiled, accumulated or clipped gradients, '
    'averaged weights, or all together',
    'the loss stays within the tolerance below of float32; centres are those of float64 loops',
)
@pytest.mark.slow
@pytest.mark.parametrize('name', SETTINGS)
def test_the_loss_is_that_of_float32_and_centers_are_exact(tmp_path, reference, name):
    options, tolerance = SETTINGS[name]
    if options.get('compile') is True and not shutil.which('g++'):
        pytest.skip('inductor needs a C++ compiler: g++ cannot be found')
    runner, losses, witness = train(small_config(tmp_path, name.replace(' ', '_'), **options))
    last = STEPS * (len(losses) // len(reference))
    ratio = np.mean(losses[-last:]) / np.mean(reference[-STEPS:])
    assert abs(ratio - 1) < tolerance, ratio
    assert np.mean(reference[-STEPS:]) < 0.8 * np.mean(reference[:STEPS])  # there is something to miss
    assert witness.dtypes == {torch.float32}
    np.testing.assert_allclose(witness.loss.centers.numpy(), witness.centers, rtol=1e-4, atol=1e-5)
    assert all(p.dtype == torch.float32 for p in runner.model.parameters())
    assert ('forward' in vars(runner.model.backbone)) == ('compile' in options)


def test_compiling_without_a_compiler_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CXX', raising=False)
    with pytest.raises(UserError, match=r'compile needs a C\+\+ compiler, and g\+\+ or clang\+\+'):
        require_compiler()
    monkeypatch.setenv('CXX', 'nothing')
    with pytest.raises(UserError, match='and nothing cannot be found'):
        require_compiler()


def test_fused_momentum_starts_at_zero_where_a_scaler_leaves_the_first_step_out(tmp_path):
    options = {'optim_wrapper.type': 'CpuAmpOptimWrapper', 'optim_wrapper.loss_scale': 1e38}
    cfg = small_config(tmp_path, 'scaled', **options, **{'train_cfg.max_epochs': 1})
    cfg.train_dataloader.dataset.num_images = 2 * BATCH
    torch.utils.deterministic.fill_uninitialized_memory = True  # by NaN
    cfg.randomness.deterministic = True
    try:
        runner, _, _ = train(cfg)
    finally:
        torch.use_deterministic_algorithms(False)
    momentum = [state['momentum_buffer'] for state in runner.optim_wrapper.optimizer.state.values()]
    assert len(momentum) > 60 and not any(value.any() for value in momentum)


@pytest.mark.promise(
    'Any precision',
    'weights are averaged (EMAHook), training is killed and resumed',
    'the best checkpoint holds the averaged weights that were validated, centres are copied, and the resumed '
    'run ends bit-identical',
)
def test_the_average_of_the_weights_is_validated_kept_and_resumed(tmp_path):
    options = EMA | {'train_cfg.val_interval': 1, 'train_cfg.max_epochs': 2, 'param_scheduler.total_steps': 2}
    options['train_dataloader.dataset.num_images'] = 2 * BATCH
    cfg = small_config(tmp_path, 'whole', **options)
    cfg.default_hooks.checkpoint.max_keep_ckpts = -1
    runner, _, _ = train(cfg)
    whole = torch.load(tmp_path / 'whole/epoch_2.pth', weights_only=True)
    average, source = whole['state_dict'], whole['ema_state_dict']  # mmengine writes them swapped
    centers = 'head.loss_center.centers'
    assert torch.equal(average[centers], source[f'module.{centers}'])
    assert torch.equal(average[centers], runner.model.state_dict()[centers])
    assert torch.equal(source['module.head.fc.weight'], runner.model.head.fc.weight)
    assert not torch.equal(average['head.fc.weight'], source['module.head.fc.weight'])
    # The best file alone predicts what was validated.
    history = runner.message_hub.get_info('history_of_validation')
    (best,) = (tmp_path / 'whole').glob('best_*.pth')
    file = tmp_path / 'whole' / 'epoch_2.pth'
    stored = torch.load(best, weights_only=True)
    its = torch.load(tmp_path / f'whole/epoch_{stored["meta"]["epoch"]}.pth', weights_only=True)
    assert torch.equal(stored['state_dict']['head.fc.weight'], its['state_dict']['head.fc.weight'])
    plain = small_config(tmp_path, 'plain', load_from=str(file))
    found = build_runner(plain).val()
    assert found['fer/auc_roc_macro'] == pytest.approx(history[-1]['fer/auc_roc_macro'], abs=1e-4)
    cfg = small_config(
        tmp_path, 'whole', **options, load_from=str(tmp_path / 'whole/epoch_1.pth'), resume=True
    )
    cfg.experiment_name += '_resumed'
    cfg.work_dir = str(tmp_path / 'resumed')
    train(cfg)
    resumed = torch.load(tmp_path / 'resumed/epoch_2.pth', weights_only=True)
    for part in ('state_dict', 'ema_state_dict'):
        for key, value in whole[part].items():
            assert torch.equal(value, resumed[part][key]), key


def test_an_average_that_nothing_validates_is_refused(tmp_path):
    cfg = small_config(tmp_path, 'origin', **EMA)
    cfg.default_hooks.ema.evaluate_on_ema = False
    with pytest.raises(UserError, match='evaluate_on_ema'):
        check_protocol(cfg)


@pytest.mark.slow
@pytest.mark.promise(
    'Any precision',
    'randomness.deterministic=True with 0 or 2 loader processes, twice each, and with --fast',
    'all runs end with the same weights bit for bit',
)
@pytest.mark.parametrize('flags', [(), ('--fast',)])
def test_runs_repeat_whatever_the_loader_processes(tmp_path, flags):
    found = []
    for workers in (0, 2, 0, 2):
        work = tmp_path / str(len(found))
        run_tool(
            'train', 'configs/dacl_r18_synthetic.py', '--work-dir', work, '--no-validate', *flags,
            '--cfg-options', 'randomness.deterministic=True', f'train_dataloader.num_workers={workers}',
            'train_dataloader.dataset.num_images=64', 'train_cfg.max_epochs=1',
            'param_scheduler.total_steps=1', 'model.head.attention.hidden_channels=[32,16,8]', cwd=REPO,
        )  # fmt: skip
        found.append(torch.load(work / 'epoch_1.pth', weights_only=True)['state_dict'])
    for other in found[1:]:
        for key, value in found[0].items():
            assert torch.equal(value, other[key]), key
