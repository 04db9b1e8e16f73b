"""DACL for MMPretrain: importing this package registers everything it adds."""

import warnings

with warnings.catch_warnings():
    # mmcv-lite comes without compiled operators; nothing here uses them.
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    from . import datasets, engine, evaluation, models  # noqa: F401
    from .comparison.run import hooks  # noqa: F401

from ._version import __version__
from .hub import register_models

__all__ = ['__version__']

register_models()
