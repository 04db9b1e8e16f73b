"""Testing one model on clean and on corrupted images."""

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.evaluator import DumpResults, Evaluator
from mmengine.runner import Runner
from mmengine.runner.amp import autocast
from mmpretrain.registry import DATASETS

from dacl_mm.config import data_sets
from dacl_mm.datasets import FERDataset
from dacl_mm.datasets.wrappers import leaf_datasets
from dacl_mm.errors import UserError
from dacl_mm.evaluation.robustness import CORRUPTIONS, STRENGTHS, Corrupt
from dacl_mm.evaluation.robustness.corrupt import after_loading
from dacl_mm.evaluation.robustness.results import METRICS, as_dict

FILE = 'robustness.json'


def set_robustness(cfg: Config) -> None:
    """Let a test decode each image once, and read it anew for each corruption.

    Args:
        cfg: A complete config; changed in place.
    """
    cfg.test_dataloader.persistent_workers = False  # they would live on with the pipeline they began with
    for dataset in data_sets(cfg.test_dataloader.dataset):
        if issubclass(DATASETS.get(dataset.type) or object, FERDataset):
            dataset.setdefault('storage', dict(where='memory'))
    # On the device lie the pixels as they were before.
    cfg.custom_hooks = [hook for hook in cfg.get('custom_hooks') or [] if hook['type'] != 'DeviceDataHook']


def test_robustness(
    runner: Runner, kinds: Sequence[str] = tuple(CORRUPTIONS), strengths: Sequence[int] = STRENGTHS
) -> dict[str, Any]:
    """Test as usual, then on corrupted images: the same model, loader and metrics, other pipelines.

    Args:
        runner: A runner that is about to test, of a config that went through :func:`set_robustness`.
        kinds: Of :data:`CORRUPTIONS`.
        strengths: 1 to 5.

    Returns:
        As :func:`~dacl_mm.evaluation.robustness.results.as_dict`.

    Raises:
        UserError: If the tests lack a metric of the table, or a pipeline does not begin with a loading
            transform.
    """
    leaves = list(leaf_datasets(runner.test_loop.dataloader.dataset))
    pipelines = [leaf.pipeline for leaf in leaves]
    for pipeline in pipelines:
        after_loading(pipeline, Corrupt('contrast', 1))  # raises now, and not after the test
    clean = runner.test()
    lacking = [metric for metric in METRICS if metric not in clean]
    if lacking:
        raise UserError(
            f'the test yields no {", ".join(lacking)}: add dict(type="Accuracy", topk=(1,)) and '
            'dict(type="FERMetric") to test_evaluator'
        )
    evaluator = copy(runner.test_loop.evaluator)
    evaluator.metrics = [m for m in evaluator.metrics if not isinstance(m, DumpResults)]
    found: dict[str, list[Mapping[str, float]]] = {kind: [] for kind in kinds}
    for kind in kinds:
        for strength in strengths:
            changed = [after_loading(pipeline, Corrupt(kind, strength)) for pipeline in pipelines]
            metrics = _test(runner, evaluator, leaves, changed)
            found[kind].append(metrics)
            shown = ', '.join(f'{name} {metrics[key]:.2f}' for key, name in METRICS.items())
            runner.logger.info(f'{kind}, strength {strength}: {shown}')
    for leaf, pipeline in zip(leaves, pipelines, strict=True):
        leaf.pipeline = pipeline
    return as_dict(_numbers(clean), found, strengths)


@torch.no_grad()
def _test(
    runner: Runner, evaluator: Evaluator, leaves: Sequence[Any], pipelines: Sequence[Compose]
) -> dict[str, float]:
    """Return the metrics of the test images through other pipelines."""
    for leaf, pipeline in zip(leaves, pipelines, strict=True):
        leaf.pipeline = pipeline
    loader = runner.test_loop.dataloader  # its processes start anew with each pass
    runner.model.eval()
    with autocast(enabled=runner.test_loop.fp16):
        for batch in loader:
            evaluator.process(data_samples=runner.model.test_step(batch), data_batch=batch)
    return _numbers(evaluator.evaluate(len(loader.dataset)))


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {key: float(value) for key, value in metrics.items() if isinstance(value, int | float)}
