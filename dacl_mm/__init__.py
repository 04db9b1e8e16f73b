"""DACL for MMPretrain: importing this package registers everything it adds."""

from . import checkpoint, datasets, evaluation, hooks, models, optim  # noqa: F401
from ._version import __version__
from .hub import register_models

__all__ = ['__version__']

register_models()
