"""Checkpoints of tensors and plain types only."""

from typing import Any

from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS

from dacl_mm.engine.checkpoint.plain import plain_message_hub, restore_message_hub, to_plain


def without_functions(schedulers: Any) -> Any:
    """Leave functions out of scheduler states: resuming builds them from the config."""
    if isinstance(schedulers, dict):
        return {name: without_functions(states) for name, states in schedulers.items()}
    return [{k: v for k, v in state.items() if not callable(v)} for state in schedulers]


@HOOKS.register_module()
class PlainCheckpointHook(Hook):
    """Keep checkpoints free of pickled objects.

    What is saved loads with ``torch.load(weights_only=True)`` in plain torch;
    the logged history is restored on resuming.
    """

    # Last, when every other hook has added what it saves.
    priority = 'LOWEST'

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = plain_message_hub(checkpoint['message_hub'])
        if 'param_schedulers' in checkpoint:
            checkpoint['param_schedulers'] = without_functions(checkpoint['param_schedulers'])
        for key in checkpoint.keys() - {'message_hub', 'state_dict'}:
            checkpoint[key] = to_plain(checkpoint[key], key)

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        if 'message_hub' in checkpoint:
            checkpoint['message_hub'] = restore_message_hub(checkpoint['message_hub'])
        # mmengine's resume would execute this text, which its own checkpoints no longer hold.
        checkpoint.get('meta', {}).pop('config', None)
