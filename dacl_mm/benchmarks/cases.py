"""What is measured: each case returns rows, with one value a round."""

from collections.abc import Callable

from .data import data
from .epochs import epoch
from .inference import predict
from .overheads import draws, monitor
from .processes import imports, process
from .setting import Setting
from .steps import train_step
from .table import Row

CASES: dict[str, Callable[[Setting], list[Row]]] = {
    'import': imports,
    'process': process,
    'data': data,
    'draws': draws,
    'train-step': train_step,
    'monitor': monitor,
    'epoch': epoch,
    'predict': predict,
}
