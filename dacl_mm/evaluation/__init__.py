from .fer_metric import FERMetric
from .shared_classes import SharedClassesEvaluator

__all__ = ['FERMetric', 'SharedClassesEvaluator']
