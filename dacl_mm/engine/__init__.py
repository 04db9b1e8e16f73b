from . import checkpoint, hooks, log_processor, loops, optim, runner, sam
from .distributed import data_parallel

__all__ = ['checkpoint', 'data_parallel', 'hooks', 'log_processor', 'loops', 'optim', 'runner', 'sam']
