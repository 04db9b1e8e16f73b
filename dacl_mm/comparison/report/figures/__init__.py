from .embedding import distance_figure, embedding_maps
from .scores import confusion, forest, recall
from .style import drawing, save, to_inline
from .training import attention, curves

__all__ = [
    'attention',
    'confusion',
    'curves',
    'distance_figure',
    'drawing',
    'embedding_maps',
    'forest',
    'recall',
    'save',
    'to_inline',
]
