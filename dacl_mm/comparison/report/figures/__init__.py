from .embedding import distance_figure, embedding_maps
from .scores import confusion, forest, recall
from .training import attention, curves

__all__ = [
    'attention',
    'confusion',
    'curves',
    'distance_figure',
    'embedding_maps',
    'forest',
    'recall',
]
