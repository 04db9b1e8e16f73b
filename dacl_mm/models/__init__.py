from . import attention, centers, classifiers, heads, losses, preprocessors, weights
from .attention import ConstantAttention, DACLAttention, ShuffledAttention
from .heads import CenterLossHead, DACLHead
from .losses import CenterLoss, SparseCenterLoss
from .preprocessors import BatchPreprocessor
from .weights import PretrainedBackbone

__all__ = [
    'BatchPreprocessor',
    'CenterLoss',
    'CenterLossHead',
    'ConstantAttention',
    'DACLAttention',
    'DACLHead',
    'PretrainedBackbone',
    'ShuffledAttention',
    'SparseCenterLoss',
    'attention',
    'centers',
    'classifiers',
    'heads',
    'losses',
    'preprocessors',
    'weights',
]
