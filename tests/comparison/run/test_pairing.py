"""Methods with one seed start from the same weights and see the same images in the same order."""

import hashlib
from pathlib import Path

import pytest
import torch
from conftest import REPO
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.comparison.plan.methods import choose, read_methods
from dacl_mm.comparison.plan.runs import plan_runs

SET = REPO / 'configs' / 'compare' / 'synthetic.py'
METHODS = ('softmax', 'label_smooth', 'focal', 'arcface', 'center', 'dacl', 'dacl_fixed', 'dacl_shuffled')
SMALL = {
    'train_dataloader.dataset.num_images': 24,
    'train_dataloader.batch_size': 8,
    'val_dataloader.dataset.num_images': 8,
    'train_cfg.max_epochs': 2,
    'param_scheduler.total_steps': 2,
}


@HOOKS.register_module()
class WitnessHook(Hook):
    """Keeps what every method must share."""

    seen: dict = {}

    def before_train_iter(self, runner, batch_idx, data_batch=None) -> None:
        inputs = torch.stack(data_batch['inputs']) if isinstance(data_batch['inputs'], list) else (
            data_batch['inputs']
        )  # fmt: skip
        if runner.iter == 0:
            state = {k: v.clone() for k, v in runner.model.state_dict().items()}
            self.seen['state'] = state
            self.seen['batches'] = []
        self.seen['batches'].append(hashlib.sha256(inputs.numpy().tobytes()).hexdigest())


@pytest.fixture(scope='module')
def witnessed(tmp_path_factory):
    """Train each method with seed 0 and three with seed 1: (method, seed) -> weights and batches."""
    folder = tmp_path_factory.mktemp('pairing')
    methods = choose(read_methods([str(SET)], SMALL), METHODS)
    for method in methods:
        attention = method.cfg.model.head.get('attention')
        if attention and attention.type in ('DACLAttention', 'ShuffledAttention'):
            attention.hidden_channels = (16, 8)
    found = {}
    for run, cfg in plan_runs(methods, 2, 'held-out', folder):
        if run.seed and run.method not in ('softmax', 'center', 'dacl'):
            continue
        # Loader processes must not matter either.
        cfg.train_dataloader.num_workers = run.seed
        cfg.train_dataloader.persistent_workers = False
        cfg.custom_hooks = [*cfg.custom_hooks, dict(type='WitnessHook')]
        cfg.val_cfg = cfg.val_dataloader = cfg.val_evaluator = None
        cfg.default_hooks.checkpoint.update(save_best=None, interval=-1, save_last=False)
        cfg.experiment_name = f'{Path(run.folder).parent.name}_{run.seed}'
        Runner.from_cfg(cfg).train()
        found[run.method, run.seed] = dict(WitnessHook.seen)
    return found


def classifier(state: dict) -> torch.Tensor:
    names = [k for k, v in state.items() if v.shape == (7, 512) and 'centers' not in k]
    assert len(names) == 1
    return state[names[0]]


def test_same_backbone_and_classifier(witnessed):
    assert len(witnessed) == 8 + 3
    for (name, seed), found in witnessed.items():
        first, state = witnessed['softmax', seed]['state'], found['state']
        backbone = [k for k in first if k.startswith('backbone.')]
        assert len(backbone) > 100
        assert all(torch.equal(state[k], first[k]) for k in backbone), name
        assert torch.equal(classifier(state), classifier(first)), name


def test_same_centers_and_attention(witnessed):
    dacl = witnessed['dacl', 0]['state']
    shuffled = witnessed['dacl_shuffled', 0]['state']
    assert shuffled.keys() - dacl.keys() == {'head.attention.draw'} and dacl.keys() <= shuffled.keys()
    assert all(torch.equal(dacl[k], shuffled[k]) for k in dacl)
    for name, seed in (('center', 0), ('dacl_fixed', 0), ('center', 1)):
        centers = witnessed['dacl', seed]['state']['head.loss_center.centers']
        assert torch.equal(centers, witnessed[name, seed]['state']['head.loss_center.centers']), name


def test_same_batches(witnessed):
    for seed in (0, 1):
        batches = witnessed['softmax', seed]['batches']
        assert len(batches) == 6 and len(set(batches)) == 6
        assert all(found['batches'] == batches for (_, s), found in witnessed.items() if s == seed)


def test_seeds_differ(witnessed):
    first, second = (witnessed['dacl', seed] for seed in (0, 1))
    assert not torch.equal(classifier(first['state']), classifier(second['state']))
    assert not set(first['batches']) & set(second['batches'])
