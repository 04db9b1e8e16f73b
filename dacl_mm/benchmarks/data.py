"""Images on their way into the model."""

from .plain_loop import loaders
from .roofline import INPUT
from .session import Session
from .setting import Setting
from .table import Row, ratio
from .timing import DEVICE, Job, interleave_seconds
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

    jobs: dict[str, Job] = {PLAIN: plain_pass}
    for name, cfg in variant_configs(setting, of_data=True).items():
        jobs[name] = Session(cfg, setting.folder, workers=True).read_all
    images = setting.train // setting.batch_size * setting.batch_size
    best = setting.machine.bandwidth / (MOVED * 3 * setting.size**2)
    rows = {
        name: Row(f'data: {name}', [images / value for value in values], 'images/s', INPUT, best)
        for name, values in interleave_seconds(jobs, rounds or setting.rounds).items()
    }
    ratios = [ratio(f'data: {name} over {PLAIN}', row, rows[PLAIN]) for name, row in rows.items()]
    return [*rows.values(), *ratios[1:]]
