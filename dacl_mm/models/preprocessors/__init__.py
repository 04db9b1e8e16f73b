from .batch_preprocessor import BatchPreprocessor
from .crop import CenterCrop, RandomCrop, RandomFiveCrop
from .flip import RandomFlip
from .resize import Resize, ResizeEdge
from .transform import BATCH_TRANSFORMS, BatchTransform, has_counterpart

__all__ = [
    'BATCH_TRANSFORMS',
    'BatchPreprocessor',
    'BatchTransform',
    'CenterCrop',
    'RandomCrop',
    'RandomFiveCrop',
    'RandomFlip',
    'Resize',
    'ResizeEdge',
    'has_counterpart',
]
