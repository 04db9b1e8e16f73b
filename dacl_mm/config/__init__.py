"""Configs: read, completed and checked before anything is built."""

from .completion import set_amp, set_backbone_weights, set_loader_defaults, set_tta, set_work_dir
from .loading import load_config, require, set_options
from .protocol import PAPER_PROTOCOL, check_protocol, data_sets, selection_metric

__all__ = [
    'PAPER_PROTOCOL',
    'check_protocol',
    'data_sets',
    'load_config',
    'require',
    'selection_metric',
    'set_amp',
    'set_backbone_weights',
    'set_loader_defaults',
    'set_options',
    'set_tta',
    'set_work_dir',
]
