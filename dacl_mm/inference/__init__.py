"""From a trained network to answers about photographs, folders, videos and cameras."""

from .classifier import Classifier, TorchClassifier
from .info import Framing, ModelInfo
from .models import SHIPPED, load_classifier
from .onnx_classifier import OnnxClassifier
from .predictor import Predictor
from .results import Face, Prediction

__all__ = [
    'Classifier',
    'Face',
    'Framing',
    'ModelInfo',
    'OnnxClassifier',
    'Prediction',
    'Predictor',
    'SHIPPED',
    'TorchClassifier',
    'load_classifier',
]
