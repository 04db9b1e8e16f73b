from .center_loss_head import CenterLossHead
from .dacl_head import DACLHead

__all__ = ['CenterLossHead', 'DACLHead']
