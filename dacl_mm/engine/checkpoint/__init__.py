from .loader import load_checkpoint
from .plain import plain_message_hub, restore_message_hub, to_plain
from .resume import latest_checkpoint

__all__ = [
    'latest_checkpoint',
    'load_checkpoint',
    'plain_message_hub',
    'restore_message_hub',
    'to_plain',
]
