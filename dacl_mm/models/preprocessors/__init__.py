from .affine import RandomAffine
from .batch_preprocessor import BatchPreprocessor
from .color_jitter import ColorJitter
from .crop import CenterCrop, RandomCrop, RandomFiveCrop
from .erasing import RandomErasing
from .flip import RandomFlip
from .mixup import OwnMixup
from .resize import Resize, ResizeEdge
from .transform import BATCH_TRANSFORMS, BatchTransform, has_counterpart

__all__ = [
    'BATCH_TRANSFORMS',
    'BatchPreprocessor',
    'BatchTransform',
    'CenterCrop',
    'ColorJitter',
    'OwnMixup',
    'RandomAffine',
    'RandomCrop',
    'RandomErasing',
    'RandomFiveCrop',
    'RandomFlip',
    'Resize',
    'ResizeEdge',
    'has_counterpart',
]
