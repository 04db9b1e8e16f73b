from . import checkpoint, hooks, optim

__all__ = ['checkpoint', 'hooks', 'optim']
