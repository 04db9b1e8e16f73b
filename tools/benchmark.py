#!/usr/bin/env python
"""Speed as ratios of interleaved runs in one process.

python tools/benchmark.py [predict] [train-step] [monitor] [draws]
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmengine.registry import init_default_scope
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from dacl_mm import cli
from dacl_mm.checkpoint import write_atomic
from dacl_mm.datasets import SyntheticFaces
from dacl_mm.hooks import CenterMonitorHook, CenterUpdateHook

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
FINAL_STRIDE = 32  # of ResNet's last feature map
Job = Callable[[], object]


def seconds(job: Job) -> float:
    """Time one call, device work included."""
    start = time.perf_counter()
    job()
    if DEVICE == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


def interleave(a: Job, b: Job, rounds: int) -> list[tuple[float, float]]:
    """Time two jobs in turn, the order changing each round; a first round warms up."""
    pairs = []
    for i in range(rounds + 1):
        if i % 2:
            time_b, time_a = seconds(b), seconds(a)
        else:
            time_a, time_b = seconds(a), seconds(b)
        pairs.append((time_a, time_b))
    return pairs[1:]


class Trainer:
    """A model of the embedded set's configs, and one batch to train it on."""

    def __init__(self, method: str, args: argparse.Namespace):
        self.cfg = cli.load_config(f'{method}_r18_synthetic')
        if method == 'dacl':
            self.cfg.model.head.feat_size = args.size // FINAL_STRIDE
        self.model = build(self.cfg).to(DEVICE)
        self.optim_wrapper = build_optim_wrapper(self.model, self.cfg.optim_wrapper)
        generator = torch.Generator().manual_seed(0)
        shape = (args.batch_size, 3, args.size, args.size)
        inputs = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        samples = [DataSample().set_gt_label(i % 7) for i in range(args.batch_size)]
        self.batch = dict(inputs=list(inputs), data_samples=samples)

    def step(self) -> None:
        """Run one training step, the centre update included."""
        self.model.train()
        self.model.train_step(self.batch, self.optim_wrapper)
        CenterUpdateHook().after_train_iter(
            SimpleNamespace(model=self.model, optim_wrapper=self.optim_wrapper, epoch=0), 0
        )

    @torch.no_grad()
    def predict(self) -> None:
        """Predict one batch."""
        self.model.eval()
        self.model.val_step(self.batch)


def build(cfg: Config) -> torch.nn.Module:
    torch.manual_seed(0)
    return MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})


def predict(args: argparse.Namespace) -> list[float]:
    """DACL's prediction over plain ResNet-18's."""
    dacl, softmax = Trainer('dacl', args), Trainer('softmax', args)
    return [a / b for a, b in interleave(dacl.predict, softmax.predict, args.rounds)]


def train_step(args: argparse.Namespace) -> list[float]:
    """DACL's training step over softmax's."""
    dacl, softmax = Trainer('dacl', args), Trainer('softmax', args)
    return [a / b for a, b in interleave(dacl.step, softmax.step, args.rounds)]


def monitor(args: argparse.Namespace) -> list[float]:
    """The monitoring hook's time over a training step's."""
    dacl = Trainer('dacl', args)
    options = next(dict(h) for h in dacl.cfg.custom_hooks if h.type == 'CenterMonitorHook')
    interval = options['interval']
    hook = CenterMonitorHook(interval)
    runner = SimpleNamespace(model=dacl.model, message_hub=MessageHub.get_instance('benchmark'), iter=0)
    dacl.step()

    def whole_interval() -> None:
        for _ in range(interval):
            hook.after_train_iter(runner, 0)
            runner.iter += 1

    pairs = interleave(whole_interval, dacl.step, args.rounds)
    return [hook_time / interval / step for hook_time, step in pairs]


def draws(args: argparse.Namespace) -> list[float]:
    """Reading with draws seeded per sample over reading without."""
    cfg = cli.load_config('dacl_r18_synthetic')
    pipeline = cfg.train_dataloader.dataset.pipeline
    sets = [SyntheticFaces(num_images=64, pipeline=pipeline, test_mode=plain) for plain in (False, True)]
    jobs = [lambda data=data: [data[i] for i in range(len(data))] for data in sets]
    return [a / b for a, b in interleave(jobs[0], jobs[1], args.rounds)]


BENCHMARKS = {'predict': predict, 'train-step': train_step, 'monitor': monitor, 'draws': draws}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('what', nargs='*', help=f'{", ".join(BENCHMARKS)} (default: all)')
    parser.add_argument('--rounds', type=int, default=10, help='interleaved rounds after the warm-up')
    parser.add_argument('--batch-size', type=int, default=32)
    parser.add_argument('--size', type=int, default=64, help='side of the images in pixels')
    parser.add_argument('--json', type=Path, help='file for all ratios')
    args = parser.parse_args()
    unknown = [name for name in args.what if name not in BENCHMARKS]
    if unknown or args.rounds < 2 or args.size < FINAL_STRIDE:
        parser.error(
            f'unknown benchmark {unknown[0]!r}' if unknown else '--rounds must be >= 2 and --size >= 32'
        )
    init_default_scope('mmpretrain')
    print(f'{DEVICE}, {torch.get_num_threads()} threads, torch {torch.__version__}, '
          f'batch {args.batch_size} at {args.size} px, {args.rounds} rounds')  # fmt: skip
    results = {}
    for name in args.what or BENCHMARKS:
        results[name] = ratios = BENCHMARKS[name](args)
        low, middle, high = statistics.quantiles(ratios, n=4)
        print(f'{name:12} {middle:8.4f}  (quartiles {low:.4f} to {high:.4f})  {BENCHMARKS[name].__doc__}')
    if args.json:
        write_atomic(json.dumps(results, indent=2).encode(), args.json)


if __name__ == '__main__':
    cli.run(main)
