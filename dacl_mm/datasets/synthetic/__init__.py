from .draw_face import DrawFace
from .synthetic_faces import SyntheticFaces

__all__ = ['DrawFace', 'SyntheticFaces']
