from .affectnet import AffectNet
from .base import DatasetError, FERDataset
from .fer2013 import FER2013
from .ferplus import FERPlus
from .folder import FERFolder
from .images import LoadFace, UnreadableImageError
from .labels import EXPRESSIONS, PAPER_CLASSES
from .rafdb import RAFDB
from .sampling import BalancedSampler, FERClassBalanced
from .synthetic import SyntheticFaces
from .transforms import DrawFace, RandomFiveCrop

__all__ = [
    'EXPRESSIONS',
    'FER2013',
    'PAPER_CLASSES',
    'RAFDB',
    'AffectNet',
    'BalancedSampler',
    'DatasetError',
    'DrawFace',
    'FERClassBalanced',
    'FERDataset',
    'FERFolder',
    'FERPlus',
    'LoadFace',
    'RandomFiveCrop',
    'SyntheticFaces',
    'UnreadableImageError',
]
