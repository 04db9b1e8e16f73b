from .confusion_matrix import draw_confusion_matrix, figure_to_array

__all__ = ['draw_confusion_matrix', 'figure_to_array']
