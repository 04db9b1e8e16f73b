from .atomic import AtomicLocalBackend, write_atomic
from .loader import CorruptCheckpointError, UnsafeCheckpointError, load_checkpoint
from .plain import plain_message_hub, restore_message_hub, to_plain
from .resume import latest_checkpoint

__all__ = [
    'AtomicLocalBackend',
    'CorruptCheckpointError',
    'UnsafeCheckpointError',
    'latest_checkpoint',
    'load_checkpoint',
    'plain_message_hub',
    'restore_message_hub',
    'to_plain',
    'write_atomic',
]
