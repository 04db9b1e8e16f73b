from .base import FERDataset
from .images import LoadFace
from .labels import EXPRESSIONS, PAPER_CLASSES
from .packing import PackPixels, pixel_collate
from .readers import FER2013, RAFDB, AffectNet, FERFolder, FERPlus
from .sampling import BalancedSampler, ShuffleSampler
from .synthetic import DrawFace, SyntheticFaces
from .transforms import RandomFiveCrop
from .wrappers import FERClassBalanced, FERRepeat

__all__ = [
    'EXPRESSIONS',
    'FER2013',
    'PAPER_CLASSES',
    'RAFDB',
    'AffectNet',
    'BalancedSampler',
    'DrawFace',
    'FERClassBalanced',
    'FERDataset',
    'FERFolder',
    'FERPlus',
    'FERRepeat',
    'LoadFace',
    'PackPixels',
    'RandomFiveCrop',
    'ShuffleSampler',
    'SyntheticFaces',
    'pixel_collate',
]
