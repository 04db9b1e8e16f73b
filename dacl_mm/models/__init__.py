from . import attention, backbones, centers, classifiers, heads, losses, preprocessors, weights
from .attention import ConstantAttention, DACLAttention, ShuffledAttention
from .backbones import SEResNetCIFAR
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
    'SEResNetCIFAR',
    'ShuffledAttention',
    'SparseCenterLoss',
    'attention',
    'backbones',
    'centers',
    'classifiers',
    'heads',
    'losses',
    'preprocessors',
    'weights',
]
