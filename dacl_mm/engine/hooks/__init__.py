from .augmentation_seed import AugmentationSeedHook
from .center_monitor import CenterMonitorHook
from .center_update import CenterUpdateHook
from .channels_last import ChannelsLastHook
from .class_means import ClassMeansHook
from .class_prior import ClassPriorHook
from .class_weight import ClassWeightHook
from .deferred_info import DeferredInfoHook
from .device_data import DeviceDataHook
from .finite_loss import FiniteLossHook
from .loss_ramp import LossRampHook
from .plain_checkpoint import PlainCheckpointHook
from .relabel import RelabelHook
from .report import ReportHook
from .run_summary import RunSummaryHook
from .safe_checkpoint import AtomicCheckpointHook
from .unreadable import UnreadableImagesHook

__all__ = [
    'AtomicCheckpointHook',
    'AugmentationSeedHook',
    'CenterMonitorHook',
    'CenterUpdateHook',
    'ChannelsLastHook',
    'ClassMeansHook',
    'ClassPriorHook',
    'ClassWeightHook',
    'DeferredInfoHook',
    'DeviceDataHook',
    'FiniteLossHook',
    'LossRampHook',
    'PlainCheckpointHook',
    'RelabelHook',
    'ReportHook',
    'RunSummaryHook',
    'UnreadableImagesHook',
]
