from . import checkpoint, hooks, log_processor, optim, runner, sam

__all__ = ['checkpoint', 'hooks', 'log_processor', 'optim', 'runner', 'sam']
