"""Images on their way into the model."""

from collections.abc import Callable
from typing import Any

from mmengine.config import Config
from mmengine.runner import Runner
from mmpretrain.registry import MODELS

from .plain_loop import loaders
from .roofline import INPUT
from .setting import Setting
from .table import Row, ratio
from .timing import DEVICE, interleave_seconds
from .variants import variant_configs

PLAIN = 'ImageFolder + PIL'
#: Bytes of a value that are moved at least: read as uint8, written as float32.
MOVED = 1 + 4


def data(setting: Setting, rounds: int | None = None) -> list[Row]:
    """Images/s from the training part to normalised batches on the device, nothing else going on.

    Args:
        setting: Images, their size and loader processes.
        rounds: If not the setting's.
    """
    plain, _ = loaders(
        setting.data,
        setting.batch_size,
        setting.size,
        setting.workers,
        persistent_workers=setting.workers > 0,
    )

    def plain_pass() -> None:
        for images, target in plain:
            images.to(DEVICE), target.to(DEVICE)

    jobs: dict[str, Callable[[], Any]] = {PLAIN: plain_pass}
    jobs |= {name: reading(cfg) for name, cfg in variant_configs(setting, of_data=True).items()}
    images = setting.train // setting.batch_size * setting.batch_size
    best = setting.machine.bandwidth / (MOVED * 3 * setting.size**2)
    rows = {
        name: Row(f'data: {name}', [images / value for value in values], 'images/s', INPUT, best)
        for name, values in interleave_seconds(jobs, rounds or setting.rounds).items()
    }
    ratios = [ratio(f'data: {name} over {PLAIN}', row, rows[PLAIN]) for name, row in rows.items()]
    return [*rows.values(), *ratios[1:]]


def reading(cfg: Config) -> Callable[[], None]:
    """Return what reads and preprocesses every batch of a config's training part once."""
    loader = Runner.build_dataloader(cfg.train_dataloader)
    preprocessor = MODELS.build({'type': 'ClsDataPreprocessor', **cfg.data_preprocessor}).to(DEVICE)

    def read() -> None:
        for batch in loader:
            preprocessor(batch, True)

    return read
