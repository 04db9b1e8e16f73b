"""What finished runs say together."""

import json
from itertools import combinations

import numpy as np
import pytest
from finished import write_runs

from dacl_mm.comparison.analysis.reading import read_runs
from dacl_mm.comparison.analysis.tables import as_dict
from dacl_mm.comparison.plan.dry_run import clock
from dacl_mm.comparison.plan.methods import read_methods
from dacl_mm.comparison.plan.runs import plan_runs
from dacl_mm.comparison.run.progress import remaining_seconds


def test_pairs_use_common_seeds_and_the_correction_all_pairs(tmp_path):
    names = [method.name for method in write_runs(tmp_path)]
    (tmp_path / 'runs/held-out/center/seed_1/result.json').unlink()
    (results,) = read_runs(tmp_path, names)
    assert results.present == names and len(results.runs('center')) == 2
    for metric in ('accuracy', 'mean_class_accuracy'):
        pairs = {(d.a, d.b): d for d in results.differences[metric]}
        assert (
            len(pairs) == 6 and pairs['center', 'softmax'].seeds == 2 and pairs['dacl', 'softmax'].seeds == 3
        )
        assert all(d.p <= d.p_adjusted <= 12 * d.p + 1e-12 and d.tests == 12 for d in pairs.values())
    d = next(d for d in results.against_baseline('accuracy') if d.a == 'center')
    values = [
        [results.finished[m][s].metric('accuracy') for s in (0, 2)] for m in ('center', 'softmax')
    ]  # fmt: skip
    assert d.mean == pytest.approx(np.mean(values[0]) - np.mean(values[1]))
    assert results.confusion('dacl').sum() == 3 * 210 and (results.confusion('dacl').sum(1) == 90).all()


def test_distances_of_embeddings(tmp_path):
    names = [method.name for method in write_runs(tmp_path, seeds=1)]
    (results,) = read_runs(tmp_path, names)
    (run,) = results.runs('dacl')
    points = run.arrays['embedding'].astype(np.float64)
    means = [points[run.label == k].mean(0) for k in range(7)]
    intra = np.mean([np.sqrt(((x - means[k]) ** 2).sum()) for x, k in zip(points, run.label, strict=True)])
    inter = np.mean([np.sqrt(((a - b) ** 2).sum()) for a, b in combinations(means, 2)])
    assert run.distances == pytest.approx((intra, inter), rel=1e-5)


def test_remaining_time():
    state = dict(iter=50, max_iters=100, seconds_per_iter=2.0)
    waiting: dict = {}
    assert remaining_seconds([('a', waiting, False)], 1) is None
    assert remaining_seconds([('a', state, False), ('a', waiting, False)], 1) == 100 + 200
    # Two at once, and never sooner than the longest.
    assert remaining_seconds([('a', state, False), ('a', waiting, False)], 2) == 200
    # An unseen method goes at the pace of the others; what is done takes nothing.
    fast = dict(iter=100, max_iters=100, seconds_per_iter=1.0)
    assert remaining_seconds([('a', fast, True), ('b', waiting, False)], 1) == 100
    assert clock(3725) == '1:02:05' and clock(None) == '?'


def test_a_config_without_our_runtime_is_completed(tmp_path):
    path = tmp_path / 'plain.py'
    path.write_text(
        "model = dict(type='ImageClassifier', backbone=dict(type='LeNet5', num_classes=7))\n"
        "data = dict(dataset=dict(type='SyntheticFaces'), sampler=dict(type='DefaultSampler'))\n"
        'train_dataloader = val_dataloader = test_dataloader = data\n'
        'val_cfg = test_cfg = dict()\n'
        "val_evaluator = test_evaluator = dict(type='Accuracy', topk=(1, 5))\n"
        "default_hooks = dict(checkpoint=dict(type='CheckpointHook', interval=5, save_best='auto'))\n"
    )
    ((_, cfg),) = plan_runs(read_methods([str(path)]), 1, 'held-out', tmp_path / 'work')
    names = [hook.type for hook in cfg.custom_hooks]
    assert {'PairedInitHook', 'ReportHook', 'PlainCheckpointHook'} <= set(names) and len(set(names)) == len(
        names
    )
    loaders = (cfg.train_dataloader, cfg.val_dataloader, cfg.test_dataloader)
    assert [loader.sampler.type for loader in loaders] == [
        'ShuffleSampler',
        'DefaultSampler',
        'DefaultSampler',
    ]
    checkpoint = cfg.default_hooks.checkpoint
    assert (checkpoint.type, checkpoint.interval) == ('AtomicCheckpointHook', 1)
    assert checkpoint.save_best == 'accuracy/top1'
    assert [metric.type for metric in cfg.test_evaluator] == ['Accuracy', 'FERMetric']
    assert cfg.test_evaluator[0].topk == (1, 5)
    with pytest.raises(ValueError, match='nothing selects the epoch'):
        plan_runs(read_methods([str(path)], dict(val_cfg=None)), 1, 'held-out', tmp_path / 'work')


def test_a_set_replaces_the_model_alone(tmp_path):
    path = tmp_path / 'set.py'
    (tmp_path / 'own.py').write_text("model = dict(type='ImageClassifier', backbone=dict(type='LeNet5'))")
    path.write_text(
        "train_cfg = dict(max_epochs=4)\nmodel = dict(type='Gone')\ndata = dict(x=1)\n"
        "test_dataloader = dict(dataset=dict(type='SyntheticFaces'))\n"
        "methods = dict(a=dict(model='own.py', options={'data.x': 2}),"
        "b=dict(model='_base_/models/softmax_r18.py'))"
    )
    a, b = read_methods([str(path)], {'train_cfg.max_epochs': 7})
    assert a.cfg.model.backbone.type == 'LeNet5' and b.cfg.model.backbone.type == 'ResNet'
    assert (a.cfg.data.x, b.cfg.data.x) == (2, 1)
    assert a.cfg.train_cfg.max_epochs == b.cfg.train_cfg.max_epochs == 7
    assert 'methods' not in json.dumps(a.cfg.to_dict())


def test_the_correction_counts_both_metrics_and_intervals_stay_on_the_scale(tmp_path):
    names = [method.name for method in write_runs(tmp_path, seeds=2)]
    columns = read_runs(tmp_path, names)
    found = [d for pairs in columns[0].differences.values() for d in pairs]
    assert len(found) == 12 and {d.tests for d in found} == {12}
    assert min(d.p_adjusted for d in found) == pytest.approx(min(1, 12 * min(d.p for d in found)))
    methods = as_dict(columns, {})['methods']
    shown = [row[metric] for row in methods for metric in ('accuracy', 'mean_class_accuracy')]
    for value in shown:
        low, high = value['interval']
        assert 0 <= low < value['mean'] < high <= 100 and value['clipped'] == (low == 0 or high == 100)
    assert {value['clipped'] for value in shown} == {True, False}
