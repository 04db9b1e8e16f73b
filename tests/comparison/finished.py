"""A folder of finished runs, written without training."""

import json
from pathlib import Path

import numpy as np
import torch
from conftest import REPO

from dacl_mm.comparison.plan.cost import model_cost
from dacl_mm.comparison.plan.methods import Method, read_methods
from dacl_mm.comparison.plan.runs import plan_runs, write_config
from dacl_mm.comparison.run.hooks.attention_record import describe

NUM_TEST = 210
#: Chance of each method to name an image rightly.
SKILL = dict(softmax=0.55, center=0.56, dacl=0.80, dacl_shuffled=0.57)


def write_runs(folder: Path, seeds: int = 3, protocol: str = 'held-out') -> list[Method]:
    """Write the result files of four methods over seeds; returns the methods."""
    options = {'test_dataloader.dataset.num_images': NUM_TEST}
    methods = [
        m for m in read_methods([str(REPO / 'configs/compare/synthetic.py')], options) if m.name in SKILL
    ]
    for method in methods:
        if attention := method.cfg.model.head.get('attention'):
            attention.hidden_channels = (16, 8)
    costs = {m.name: model_cost(m.cfg, (3, 64, 64)) for m in methods}
    label = np.arange(NUM_TEST) % 7
    for run, cfg in plan_runs(methods, seeds, protocol, folder):
        write_config(run, cfg)
        rng = np.random.default_rng([run.seed, sorted(SKILL).index(run.method)])
        right = rng.random(NUM_TEST) < SKILL[run.method]
        guess = np.where(right, label, (label + rng.integers(1, 7, NUM_TEST)) % 7)
        score = rng.dirichlet(np.ones(7), NUM_TEST) * 0.4
        score[np.arange(NUM_TEST), guess] += 0.6
        arrays = dict(
            path=np.array([f'synthetic/test/{i:06d}.png' for i in range(NUM_TEST)]),
            label=label.astype(np.int16),
            score=score.astype(np.float32),
            embedding=(rng.normal(size=(NUM_TEST, 16)) + 3 * np.eye(7, 16)[label]).astype(np.float16),
        )
        if run.method != 'softmax':
            arrays['centers'] = (3 * np.eye(7, 16)).astype(np.float32)
        np.savez_compressed(run.folder / 'predictions.npz', **arrays)
        recall = [100 * float(right[label == k].mean()) for k in range(7)]
        classes = list(cfg.test_dataloader.dataset.get('classes', ())) or [
            'neutral', 'happiness', 'sadness', 'surprise', 'fear', 'anger', 'disgust'
        ]  # fmt: skip
        metrics = {
            'accuracy/top1': 100 * float(right.mean()),
            'fer/mean_class_accuracy': float(np.mean(recall)),
        }
        metrics |= {'fer/f1_macro': metrics['accuracy/top1'] - 1, 'fer/ece': 4.0 + run.seed}
        metrics |= {f'fer/recall/{name}': value for name, value in zip(classes, recall)}
        start = torch.rand(64, 16, generator=torch.Generator().manual_seed(run.seed))
        attention = None
        if run.method.startswith('dacl'):
            attention = [dict(epoch=e, **describe(start * (1 - e / 20), start)) for e in range(3)]
        result = dict(
            method=run.method,
            seed=run.seed,
            protocol=protocol,
            validation=[{'epoch': e, 'accuracy/top1': 30.0 + 10 * e + run.seed} for e in (1, 2)],
            loss=[1.8 - 0.1 * run.seed, 1.2],
            attention=attention,
            train_images=4200,
            val_images=700,
            images_per_second=150.0,
            seconds_per_epoch=28.0,
            peak_memory=9e8,
            metrics=metrics,
            classes=classes,
            selected_epoch=2,
            device='CPU',
            threads=1,
            **costs[run.method],
        )
        (run.folder / 'result.json').write_text(json.dumps(result))
    return methods
