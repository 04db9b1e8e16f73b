from .affinity_loss import AffinityLoss
from .center_loss import CenterLoss, SparseCenterLoss
from .island_loss import IslandLoss
from .logit_adjustment import LogitAdjustedLoss
from .rebalanced_smooth import RebalancedSmoothLoss

__all__ = [
    'AffinityLoss',
    'CenterLoss',
    'IslandLoss',
    'LogitAdjustedLoss',
    'RebalancedSmoothLoss',
    'SparseCenterLoss',
]
