from .attention_record import AttentionRecordHook
from .augmentation_seed import AugmentationSeedHook
from .center_monitor import CenterMonitorHook
from .center_update import CenterUpdateHook
from .class_weight import ClassWeightHook
from .paired_init import PairedInitHook
from .prediction_record import PredictionRecordHook
from .progress import ProgressHook
from .report import ReportHook
from .safe_checkpoint import AtomicCheckpointHook, PlainCheckpointHook
from .unreadable import UnreadableImagesHook

__all__ = [
    'AtomicCheckpointHook',
    'AttentionRecordHook',
    'AugmentationSeedHook',
    'CenterMonitorHook',
    'CenterUpdateHook',
    'ClassWeightHook',
    'PairedInitHook',
    'PlainCheckpointHook',
    'PredictionRecordHook',
    'ProgressHook',
    'ReportHook',
    'UnreadableImagesHook',
]
