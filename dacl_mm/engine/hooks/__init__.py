from .augmentation_seed import AugmentationSeedHook
from .autosave import AutosaveHook
from .center_monitor import CenterMonitorHook
from .center_update import CenterUpdateHook
from .channels_last import ChannelsLastHook
from .class_means import ClassMeansHook
from .class_prior import ClassPriorHook
from .class_weight import ClassWeightHook
from .deferred_info import DeferredInfoHook
from .device_data import DeviceDataHook
from .global_batch import GlobalBatchHook
from .loss_ramp import LossRampHook
from .non_finite import NonFiniteHook
from .plain_checkpoint import PlainCheckpointHook
from .relabel import RelabelHook
from .report import ReportHook
from .run_summary import RunSummaryHook
from .safe_checkpoint import AtomicCheckpointHook
from .unreadable import UnreadableImagesHook
from .weight_average import WeightAverageHook

__all__ = [
    'AtomicCheckpointHook',
    'AugmentationSeedHook',
    'AutosaveHook',
    'CenterMonitorHook',
    'CenterUpdateHook',
    'ChannelsLastHook',
    'ClassMeansHook',
    'ClassPriorHook',
    'ClassWeightHook',
    'DeferredInfoHook',
    'DeviceDataHook',
    'GlobalBatchHook',
    'NonFiniteHook',
    'LossRampHook',
    'PlainCheckpointHook',
    'RelabelHook',
    'ReportHook',
    'RunSummaryHook',
    'UnreadableImagesHook',
    'WeightAverageHook',
]
