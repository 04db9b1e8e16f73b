from .bank import BankAttention
from .controls import ConstantAttention, ShuffledAttention
from .dacl import DACLAttention
from .protocol import Attention, find_attention, find_weights
from .statistics import GlobalAttention, StatisticsAttention, StatisticsMLP

__all__ = [
    'Attention',
    'BankAttention',
    'ConstantAttention',
    'DACLAttention',
    'GlobalAttention',
    'ShuffledAttention',
    'StatisticsAttention',
    'StatisticsMLP',
    'find_attention',
    'find_weights',
]
