"""What parts that only this package has cost."""

from types import SimpleNamespace

from mmengine.logging import MessageHub

from dacl_mm.config import load_config
from dacl_mm.datasets import SyntheticFaces
from dacl_mm.engine.hooks import CenterMonitorHook

from .session import Session
from .setting import Setting
from .table import Row
from .timing import interleave_seconds

IMAGES = 64


def monitor(setting: Setting) -> list[Row]:
    """The monitoring hook's time over a training step's."""
    cfg = setting.config()
    interval = next(hook.interval for hook in cfg.custom_hooks if hook.type == 'CenterMonitorHook')
    session = Session(cfg, setting.folder)
    hook = CenterMonitorHook(interval)
    hub = MessageHub.get_instance('benchmark')
    loader = session.runner.train_dataloader
    runner = SimpleNamespace(
        model=session.runner.model, message_hub=hub, train_dataloader=loader, train_loop=None, iter=0
    )
    session.step()

    def whole_interval() -> None:
        for _ in range(interval):
            hook.after_train_iter(runner, 0)
            runner.iter += 1

    found = interleave_seconds(dict(hook=whole_interval, step=session.step), setting.rounds)
    shares = [hook_time / interval / step for hook_time, step in zip(found['hook'], found['step'])]
    return [Row('monitor: hook over step', shares)]


def draws(setting: Setting) -> list[Row]:
    """Reading with draws seeded per sample over reading without."""
    pipeline = load_config('dacl_r18_synthetic').train_dataloader.dataset.pipeline
    seeded, plain = (
        SyntheticFaces(num_images=IMAGES, pipeline=pipeline, test_mode=test_mode)
        for test_mode in (False, True)
    )
    jobs = dict(seeded=lambda: list(map(seeded.__getitem__, range(IMAGES))),
                plain=lambda: list(map(plain.__getitem__, range(IMAGES))))  # fmt: skip
    found = interleave_seconds(jobs, setting.rounds)
    return [Row('draws: seeded over plain', [a / b for a, b in zip(found['seeded'], found['plain'])])]
