"""Choosing the strength of logit adjustment through a runner."""

import json

import numpy as np
import pytest
import torch
from conftest import REPO
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS

from dacl_mm.config import load_config, set_options
from dacl_mm.engine.adjustment import adjust_logits, check_adjustment
from dacl_mm.engine.launch import build_runner
from dacl_mm.errors import UserError
from dacl_mm.evaluation.logit_adjustment import adjusted, choose, try_strengths


def config(name, **options):
    cfg = load_config(str(REPO / 'configs' / f'{name}.py'))
    set_options(cfg, options)
    return cfg


def predictions(runner, loader):
    runner.model.eval()
    with torch.no_grad():
        samples = [sample for batch in loader for sample in runner.model.test_step(batch)]
    scores = torch.stack([sample.pred_score for sample in samples]).double().numpy()
    return scores, np.array([int(sample.gt_label) for sample in samples])


def test_it_is_chosen_on_the_held_out_part_by_the_training_prior(tmp_path):
    init_default_scope('mmpretrain')
    few = {f'{part}_dataloader.dataset.num_images': 70 for part in ('train', 'val', 'test')}
    workers = {f'{part}_dataloader.num_workers': 0 for part in ('train', 'val', 'test')}
    cfg = config('softmax_r18_synthetic', **few, **workers)
    cfg.work_dir = str(tmp_path)
    cfg.experiment_name = 'adjustment'
    runner = build_runner(cfg)
    scores, label = predictions(runner, runner.val_dataloader)
    tested = predictions(runner, runner.test_dataloader)
    # Training favours the class that the untrained network does; the held-out part is without it.
    favoured = int(np.bincount(tested[0].argmax(1)).argmax())
    wanted = np.ones(7, int)
    wanted[[favoured, favoured - 1]] = 8, 0
    labels = DATASETS.build(cfg.train_dataloader.dataset).get_gt_labels()
    chosen = [int(i) for k, count in enumerate(wanted) for i in np.flatnonzero(labels == k)[:count]]
    runner.cfg.train_dataloader.dataset.indices = chosen
    runner.cfg.val_dataloader.dataset.indices = np.flatnonzero(label != favoured).tolist()
    held_out = scores[label != favoured], label[label != favoured]
    adjust_logits(runner)
    prior = np.maximum(wanted, 1) / 14
    trials = try_strengths(*held_out, prior)
    strength = choose(trials).strength
    stored = json.loads((tmp_path / 'logit_adjustment.json').read_text())
    assert stored['strength'] == strength and list(stored['prior'].values()) == pytest.approx(prior)
    assert [t['accuracy'] for t in stored['held_out']] == pytest.approx([t.accuracy for t in trials])
    metrics = runner.test()
    hits = adjusted(tested[0], prior, strength).argmax(1) == tested[1]
    assert metrics['logit_adjustment/strength'] == strength > 0
    assert metrics['accuracy/top1'] == pytest.approx(100 * hits.mean())
    assert not np.array_equal(adjusted(tested[0], prior, strength).argmax(1), tested[0].argmax(1))


def test_a_number_is_the_strength_and_needs_no_held_out_part(tmp_path):
    init_default_scope('mmpretrain')
    few = {f'{part}_dataloader.dataset.num_images': 70 for part in ('train', 'test')}
    cfg = config(
        'softmax_r18_synthetic', **few, **{'test_dataloader.num_workers': 0, 'logit_adjustment': 0.5}
    )
    cfg.train_dataloader.dataset.indices = [i for i in range(70) if i % 7 or i < 7]
    cfg.val_dataloader = cfg.val_cfg = cfg.val_evaluator = None
    cfg.work_dir, cfg.experiment_name = str(tmp_path), 'fixed_adjustment'
    check_adjustment(cfg)
    runner = build_runner(cfg)
    scores, label = predictions(runner, runner.test_dataloader)
    prior = np.bincount(DATASETS.build(cfg.train_dataloader.dataset).get_gt_labels(), minlength=7)
    assert len(set(prior)) > 1
    adjust_logits(runner)
    metrics = runner.test()
    assert metrics['logit_adjustment/strength'] == 0.5
    named = adjusted(scores, prior / prior.sum(), 0.5).argmax(1)
    assert not np.array_equal(named, scores.argmax(1))
    recall = [metrics[f'fer/recall/{name}'] for name in runner.test_dataloader.dataset.CLASSES]
    assert recall == pytest.approx([100 * np.mean(named[label == k] == k) for k in range(7)])
    assert not (tmp_path / 'logit_adjustment.json').exists()


@pytest.mark.parametrize('strength', [0, -1.0, float('nan'), 'half'])
def test_what_is_no_strength_is_refused(strength):
    with pytest.raises(UserError, match=r'logit_adjustment must be True, .* or a positive number'):
        check_adjustment(config('softmax_r18_synthetic', logit_adjustment=strength))


@pytest.mark.parametrize(
    ('name', 'message'),
    [
        ('dacl_r18_rafdb_paper', 'would be chosen on the test images'),
        ('softmax_r18_affectnet7', 'draws classes evenly'),
    ],
)
def test_what_cannot_be_adjusted_is_refused(name, message):
    with pytest.raises(UserError, match=message):
        check_adjustment(config(name))


def test_a_config_without_held_out_part_is_refused():
    with pytest.raises(UserError, match='needs val_dataloader'):
        check_adjustment(ConfigDict(train_dataloader=dict(dataset=dict()), val_dataloader=None))
