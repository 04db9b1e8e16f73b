from .center_loss import CenterLoss, SparseCenterLoss

__all__ = ['CenterLoss', 'SparseCenterLoss']
