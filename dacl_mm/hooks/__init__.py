from .augmentation_seed import AugmentationSeedHook
from .center_monitor import CenterMonitorHook
from .center_update import CenterUpdateHook
from .report import ReportHook
from .safe_checkpoint import AtomicCheckpointHook, PlainCheckpointHook

__all__ = [
    'AtomicCheckpointHook',
    'AugmentationSeedHook',
    'CenterMonitorHook',
    'CenterUpdateHook',
    'PlainCheckpointHook',
    'ReportHook',
]
