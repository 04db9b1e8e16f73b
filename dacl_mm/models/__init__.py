from .attention import ConstantAttention, DACLAttention, ShuffledAttention
from .center_loss import CenterLoss, SparseCenterLoss
from .center_loss_head import CenterLossHead
from .dacl_head import DACLHead
from .pretrained import PretrainedBackbone

__all__ = [
    'CenterLoss',
    'CenterLossHead',
    'ConstantAttention',
    'DACLAttention',
    'DACLHead',
    'PretrainedBackbone',
    'ShuffledAttention',
    'SparseCenterLoss',
]
