from . import checkpoint, hooks, log_processor, optim, runner

__all__ = ['checkpoint', 'hooks', 'log_processor', 'optim', 'runner']
