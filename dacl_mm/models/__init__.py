from . import attention, heads, losses, weights
from .attention import ConstantAttention, DACLAttention, ShuffledAttention
from .heads import CenterLossHead, DACLHead
from .losses import CenterLoss, SparseCenterLoss
from .weights import PretrainedBackbone

__all__ = [
    'CenterLoss',
    'CenterLossHead',
    'ConstantAttention',
    'DACLAttention',
    'DACLHead',
    'PretrainedBackbone',
    'ShuffledAttention',
    'SparseCenterLoss',
    'attention',
    'heads',
    'losses',
    'weights',
]
