from .calibrated_metric import CalibratedMetric
from .fer_metric import FERMetric
from .logit_adjustment import LogitAdjustedEvaluator
from .shared_classes import SharedClassesEvaluator

__all__ = ['CalibratedMetric', 'FERMetric', 'LogitAdjustedEvaluator', 'SharedClassesEvaluator']
