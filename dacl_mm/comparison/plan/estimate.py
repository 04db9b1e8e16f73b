"""How long a run would take here, from a timed step on real images."""

import os
import statistics
import time
from typing import Any, NamedTuple

import torch
from mmengine.config import Config, ConfigDict
from mmengine.dataset import BaseDataset, pseudo_collate
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpretrain.registry import DATASETS, MODELS

from dacl_mm.engine.hooks.class_prior import set_class_priors

WARM_UP = 2  # images: what a first step sets up does not depend on their number
BOX = 1.5  # seconds for the timed steps of a method
MOST = 5  # of them
FORWARD = 1 / 3  # of a training step


class Sample(NamedTuple):
    """A loader's data set, a batch of it, and the seconds that one process took to read an image."""

    dataset: BaseDataset
    batch: dict[str, Any]
    seconds: float


class Estimator:
    """Estimates the time of runs; images that several methods share are read once."""

    def __init__(self) -> None:
        self._read: dict[str, Sample] = {}
        self._start = time.process_time()  # a run's process imports what this one has

    def __call__(self, cfg: Config, trains: bool = True) -> float:
        """Return the seconds of a run: start, training with validation, and the test; or without training."""
        init_default_scope('mmpretrain')
        train = self._sample(cfg.train_dataloader)
        size: int = cfg.train_dataloader.batch_size
        step = time_step(cfg, train)
        epochs: int = cfg.train_cfg.max_epochs if trains else 0
        total = self._start + epochs * self._pass(cfg.train_dataloader, step / size)
        total += epochs * self._pass(cfg.val_dataloader, FORWARD * step / size)
        return total + self._pass(cfg.test_dataloader, FORWARD * step / size)

    def _sample(self, loader: ConfigDict) -> Sample:
        key = repr(loader.dataset)
        if key not in self._read:
            dataset = DATASETS.build(loader.dataset)
            begin = time.perf_counter()
            items = [dataset[i % len(dataset)] for i in range(loader.batch_size)]
            seconds = (time.perf_counter() - begin) / len(items)
            self._read[key] = Sample(dataset, pseudo_collate(items), seconds)
        return self._read[key]

    def _pass(self, loader: ConfigDict, compute: float) -> float:
        """Return the seconds of one pass over a loader's images, of which one takes ``compute``.

        On a GPU loader processes work meanwhile; on a CPU they take their share of its cores.
        """
        dataset, _, reading = self._sample(loader)
        length = len(dataset)
        workers: int = loader.get('num_workers', 0)
        if workers and torch.cuda.is_available():
            return length * max(compute, reading / min(workers, os.cpu_count() or 1))
        return length * (compute + (reading / (os.cpu_count() or 1) if workers else reading))


def time_step(cfg: Config, sample: Sample) -> float:
    """Return the seconds of a training step on a batch."""
    device = torch.device('cuda' if torch.cuda.is_available() else 'cpu')
    model = MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor}).to(device)
    set_class_priors(model, sample.dataset)
    wrapper = build_optim_wrapper(model, cfg.optim_wrapper)

    def step(part: dict[str, Any]) -> float:
        begin = time.perf_counter()
        model.train_step(part, wrapper)
        if device.type == 'cuda':
            torch.cuda.synchronize()
        return time.perf_counter() - begin

    step({key: values[:WARM_UP] for key, values in sample.batch.items()})
    times = [step(sample.batch)]
    while sum(times) < BOX and len(times) < MOST:
        times.append(step(sample.batch))
    return statistics.mean(times)
