from .affectnet import AffectNet
from .fer2013 import FER2013
from .ferplus import FERPlus
from .folder import FERFolder
from .rafdb import RAFDB

__all__ = ['FER2013', 'RAFDB', 'AffectNet', 'FERFolder', 'FERPlus']
