from .controls import ConstantAttention, ShuffledAttention
from .dacl import DACLAttention
from .protocol import Attention, find_attention

__all__ = ['Attention', 'ConstantAttention', 'DACLAttention', 'ShuffledAttention', 'find_attention']
