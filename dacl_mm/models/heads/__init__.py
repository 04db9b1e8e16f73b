from .attentive_center_head import AttentiveCenterHead
from .center_loss_head import CenterLossHead
from .dacl_head import DACLHead
from .pooled_map_head import PooledMapHead

__all__ = ['AttentiveCenterHead', 'CenterLossHead', 'DACLHead', 'PooledMapHead']
