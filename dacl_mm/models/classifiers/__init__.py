from .flip_view import FlipViewClassifier

__all__ = ['FlipViewClassifier']
