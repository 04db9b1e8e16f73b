from . import checkpoint, hooks, log_processor, loops, optim, runner

__all__ = ['checkpoint', 'hooks', 'log_processor', 'loops', 'optim', 'runner']
