"""What is measured: each case returns ratios, one per interleaved round."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import Config
from mmengine.logging import MessageHub
from mmengine.optim import build_optim_wrapper
from mmpretrain.registry import MODELS
from mmpretrain.structures import DataSample

from dacl_mm.config import load_config
from dacl_mm.datasets import SyntheticFaces
from dacl_mm.engine.hooks import CenterMonitorHook, CenterUpdateHook

from .timing import DEVICE, interleave

FINAL_STRIDE = 32  # of ResNet's last feature map


@dataclass(frozen=True)
class Setting:
    """What every case is measured with; ``size`` is the side of the images in pixels."""

    rounds: int = 10
    batch_size: int = 32
    size: int = 64


class Trainer:
    """A model of the embedded set's configs, and one batch to train it on."""

    def __init__(self, method: str, setting: Setting):
        self.cfg = load_config(f'{method}_r18_synthetic')
        if method == 'dacl':
            self.cfg.model.head.feat_size = setting.size // FINAL_STRIDE
        self.model = build(self.cfg).to(DEVICE)
        self.optim_wrapper = build_optim_wrapper(self.model, self.cfg.optim_wrapper)
        generator = torch.Generator().manual_seed(0)
        shape = (setting.batch_size, 3, setting.size, setting.size)
        inputs = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        samples = [DataSample().set_gt_label(i % 7) for i in range(setting.batch_size)]
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


def build(cfg: Config) -> Any:
    """Build a model from seed 0."""
    torch.manual_seed(0)
    return MODELS.build({**cfg.model, 'data_preprocessor': cfg.data_preprocessor})


def predict(setting: Setting) -> list[float]:
    """DACL's prediction over plain ResNet-18's."""
    dacl, softmax = Trainer('dacl', setting), Trainer('softmax', setting)
    return [a / b for a, b in interleave(dacl.predict, softmax.predict, setting.rounds)]


def train_step(setting: Setting) -> list[float]:
    """DACL's training step over softmax's."""
    dacl, softmax = Trainer('dacl', setting), Trainer('softmax', setting)
    return [a / b for a, b in interleave(dacl.step, softmax.step, setting.rounds)]


def monitor(setting: Setting) -> list[float]:
    """The monitoring hook's time over a training step's."""
    dacl = Trainer('dacl', setting)
    options = next(dict(h) for h in dacl.cfg.custom_hooks if h.type == 'CenterMonitorHook')
    interval = options['interval']
    hook = CenterMonitorHook(interval)
    runner = SimpleNamespace(model=dacl.model, message_hub=MessageHub.get_instance('benchmark'), iter=0)
    dacl.step()

    def whole_interval() -> None:
        for _ in range(interval):
            hook.after_train_iter(runner, 0)
            runner.iter += 1

    pairs = interleave(whole_interval, dacl.step, setting.rounds)
    return [hook_time / interval / step for hook_time, step in pairs]


def draws(setting: Setting) -> list[float]:
    """Reading with draws seeded per sample over reading without."""
    cfg = load_config('dacl_r18_synthetic')
    pipeline = cfg.train_dataloader.dataset.pipeline
    sets = [SyntheticFaces(num_images=64, pipeline=pipeline, test_mode=plain) for plain in (False, True)]
    jobs = [lambda data=data: [data[i] for i in range(len(data))] for data in sets]
    return [a / b for a, b in interleave(jobs[0], jobs[1], setting.rounds)]


CASES = {'predict': predict, 'train-step': train_step, 'monitor': monitor, 'draws': draws}
