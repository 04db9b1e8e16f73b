from .base import DatasetError, FERDataset
from .folder import FERFolder
from .labels import EXPRESSIONS, PAPER_CLASSES
from .rafdb import RAFDB
from .synthetic import SyntheticFaces
from .transforms import DrawFace, RandomFiveCrop

__all__ = [
    'EXPRESSIONS',
    'PAPER_CLASSES',
    'RAFDB',
    'DatasetError',
    'DrawFace',
    'FERDataset',
    'FERFolder',
    'RandomFiveCrop',
    'SyntheticFaces',
]
