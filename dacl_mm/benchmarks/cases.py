"""What is measured: each case returns rows, with one value a round."""

from collections.abc import Callable, Iterable

from .agreement import agreement
from .data import data
from .epochs import epoch
from .exported import export
from .inference import predict
from .overheads import draws, monitor
from .processes import imports, process
from .serve import serve
from .setting import Setting
from .steps import train_step
from .table import Row

Case = Callable[[Setting], Iterable[Row]]
CASES: dict[str, Case] = {
    'import': imports,
    'process': process,
    'data': data,
    'draws': draws,
    'train-step': train_step,
    'monitor': monitor,
    'epoch': epoch,
    'agreement': agreement,
    'predict': predict,
    'serve': serve,
    'export': export,
}
