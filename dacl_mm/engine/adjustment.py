"""Choosing how far a test adjusts the logits, on the held-out part."""

import json
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.dist import is_main_process
from mmengine.evaluator import Evaluator
from mmengine.runner import Runner
from mmengine.runner.amp import autocast
from mmpretrain.registry import DATASETS

from dacl_mm.config import data_sets
from dacl_mm.datasets.class_shares import class_shares
from dacl_mm.errors import UserError
from dacl_mm.evaluation.logit_adjustment import LogitAdjustedEvaluator, StrengthMetric, choose
from dacl_mm.files import write_atomic

from .held_out import check_held_out, held_out_loader

FILE = 'logit_adjustment.json'


def check_adjustment(cfg: Config) -> None:
    """Check that there is a held-out part to choose on, and a prior to take out.

    Raises:
        UserError: If validation reads the test split, or training draws classes evenly.
    """
    check_held_out(cfg, 'the strength of --logit-adjustment')
    if not cfg.get('train_dataloader'):
        raise UserError(
            '--logit-adjustment needs train_dataloader in the config: the prior is that of training'
        )
    if (cfg.train_dataloader.get('sampler') or {}).get('type') == 'BalancedSampler':
        raise UserError(
            'train_dataloader.sampler draws classes evenly, so the classifier knows no prior that '
            '--logit-adjustment could take out'
        )


def adjust_logits(runner: Runner) -> None:
    """Choose the strength on the held-out part, and let the test adjust its predictions by it.

    Held-out images go through the pipeline of the test, test-time augmentation with it. What every
    strength does there is written to ``logit_adjustment.json`` in the work dir.

    Args:
        runner: A runner that is about to test, of a config that passes :func:`check_adjustment`.
    """
    cfg = runner.cfg
    runner.load_or_resume()
    loader = held_out_loader(cfg, runner.seed)
    classes = loader.dataset.metainfo['classes']
    trained = [DATASETS.build(dataset) for dataset in data_sets(cfg.train_dataloader.dataset)]
    metric = StrengthMetric(class_shares(trained))
    evaluator = Evaluator([metric])
    runner.model.eval()
    with torch.no_grad(), autocast(enabled=cfg.test_cfg.get('fp16', False)):
        for batch in loader:
            evaluator.process(data_samples=runner.model.test_step(batch), data_batch=batch)
    strength = evaluator.evaluate(len(loader.dataset))['logit_adjustment/strength']
    tested = runner.test_evaluator
    runner.test_loop.evaluator = LogitAdjustedEvaluator(tested.metrics, metric.prior, strength)
    runner.test_loop.evaluator.dataset_meta = tested.dataset_meta
    if is_main_process():
        chosen, plain = choose(metric.trials), metric.trials[0]
        runner.logger.info(
            f'logit adjustment: strength {strength}, chosen on {len(loader.dataset):,} held-out images: '
            f'accuracy {plain.accuracy:.2f} -> {chosen.accuracy:.2f}, mean-class accuracy '
            f'{plain.mean_class_accuracy:.2f} -> {chosen.mean_class_accuracy:.2f}'
        )
        stored = dict(
            strength=strength,
            prior=dict(zip(classes, metric.prior.tolist())),
            held_out=[trial._asdict() for trial in metric.trials],
        )
        write_atomic(json.dumps(stored, indent=1).encode(), Path(cfg.work_dir) / FILE)
