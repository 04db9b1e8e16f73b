from .checks import Part, Problem, verify
from .pictures import draw_pictures
from .summary import summarize, to_json

__all__ = ['Part', 'Problem', 'draw_pictures', 'summarize', 'to_json', 'verify']
