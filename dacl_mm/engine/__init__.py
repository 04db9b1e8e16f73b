from . import checkpoint, hooks, optim, runner

__all__ = ['checkpoint', 'hooks', 'optim', 'runner']
