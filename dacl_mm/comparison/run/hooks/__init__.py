from .attention_record import AttentionRecordHook
from .paired_init import PairedInitHook
from .prediction_record import PredictionRecordHook
from .progress import ProgressHook

__all__ = ['AttentionRecordHook', 'PairedInitHook', 'PredictionRecordHook', 'ProgressHook']
