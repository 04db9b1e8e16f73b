from .corrupt import Corrupt
from .corruptions import CORRUPTIONS, STRENGTHS
from .cover import CoverRegion

__all__ = ['CORRUPTIONS', 'STRENGTHS', 'Corrupt', 'CoverRegion']
