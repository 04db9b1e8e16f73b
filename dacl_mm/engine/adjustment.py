"""How far a test adjusts the logits: as the config says, or chosen on the held-out part."""

import json
from pathlib import Path

import numpy as np
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
    """Check that there is a prior to take out, and a strength, or a held-out part to choose one on.

    Raises:
        UserError: If the strength is no positive number, it is to be chosen and validation reads the
            test split, or training draws classes evenly.
    """
    strength = cfg.get('logit_adjustment', True)
    if strength is True:
        check_held_out(cfg, 'the strength of --logit-adjustment')
    elif not isinstance(strength, int | float) or not 0 < strength < float('inf'):
        raise UserError(
            f'logit_adjustment must be True, which chooses a strength on the held-out part, or a positive '
            f'number, got {strength!r}'
        )
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
    """Let the test adjust its predictions, by ``logit_adjustment`` of the config.

    A number is the strength. Without one it is chosen on the held-out part: its images go through the
    pipeline of the test, test-time augmentation with it, and what every strength does there is written
    to ``logit_adjustment.json`` in the work dir.

    Args:
        runner: A runner that is about to test, of a config that passes :func:`check_adjustment`.
    """
    cfg = runner.cfg
    prior = class_shares([DATASETS.build(dataset) for dataset in data_sets(cfg.train_dataloader.dataset)])
    strength = cfg.get('logit_adjustment', True)
    if strength is True:
        strength = _chosen_strength(runner, prior)
    tested = runner.test_evaluator
    runner.test_loop.evaluator = LogitAdjustedEvaluator(tested.metrics, prior, float(strength))
    runner.test_loop.evaluator.dataset_meta = tested.dataset_meta


def _chosen_strength(runner: Runner, prior: np.ndarray) -> float:
    """Return the strength that the held-out part chooses; the first process writes what each does."""
    cfg = runner.cfg
    runner.load_or_resume()
    loader = held_out_loader(cfg, runner.seed)
    classes = loader.dataset.metainfo['classes']
    metric = StrengthMetric(prior)
    evaluator = Evaluator([metric])
    runner.model.eval()
    with torch.no_grad(), autocast(enabled=cfg.test_cfg.get('fp16', False)):
        for batch in loader:
            evaluator.process(data_samples=runner.model.test_step(batch), data_batch=batch)
    strength: float = evaluator.evaluate(len(loader.dataset))['logit_adjustment/strength']
    if is_main_process():
        chosen, plain = choose(metric.trials), metric.trials[0]
        runner.logger.info(
            f'logit adjustment: strength {strength}, chosen on {len(loader.dataset):,} held-out images: '
            f'accuracy {plain.accuracy:.2f} -> {chosen.accuracy:.2f}, mean-class accuracy '
            f'{plain.mean_class_accuracy:.2f} -> {chosen.mean_class_accuracy:.2f}'
        )
        stored = dict(
            strength=strength,
            prior=dict(zip(classes, prior.tolist())),
            held_out=[trial._asdict() for trial in metric.trials],
        )
        write_atomic(json.dumps(stored, indent=1).encode(), Path(cfg.work_dir) / FILE)
    return strength
