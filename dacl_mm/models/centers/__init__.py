from .class_centers import ClassCenters
from .gaussian import GaussianCenters
from .ratio import RatioCenters

__all__ = ['ClassCenters', 'GaussianCenters', 'RatioCenters']
