from .arcface_head import FloatArcFaceHead
from .attentive_center_head import AttentiveCenterHead
from .center_loss_head import CenterLossHead
from .dacl_head import DACLHead
from .dropout_linear_head import DropoutLinearHead
from .flip_consistency_head import FlipConsistencyHead
from .gaussian_mixture_head import GaussianMixtureHead
from .pooled_map_head import PooledMapHead
from .self_cure_head import SelfCureHead
from .uncertainty_head import UncertaintyHead
from .variance_head import VarianceHead

__all__ = [
    'AttentiveCenterHead',
    'CenterLossHead',
    'DACLHead',
    'DropoutLinearHead',
    'FlipConsistencyHead',
    'FloatArcFaceHead',
    'GaussianMixtureHead',
    'PooledMapHead',
    'SelfCureHead',
    'UncertaintyHead',
    'VarianceHead',
]
