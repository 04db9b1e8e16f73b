from .confusion import draw_confusion_matrix
from .histograms import draw_class_histogram
from .sheets import contact_sheet
from .style import figure_to_array

__all__ = ['contact_sheet', 'draw_class_histogram', 'draw_confusion_matrix', 'figure_to_array']
