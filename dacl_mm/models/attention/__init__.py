from .controls import ConstantAttention, ShuffledAttention
from .dacl import DACLAttention

__all__ = ['ConstantAttention', 'DACLAttention', 'ShuffledAttention']
