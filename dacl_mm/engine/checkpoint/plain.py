"""Checkpoints of tensors and plain types only.

mmengine pickles its log history (``HistoryBuffer``, numpy arrays) into
checkpoints, which torch >= 2.6 refuses to load
(https://github.com/open-mmlab/mmengine/issues/1641). These functions turn such
objects into plain ones and back.
"""

from collections import Counter, OrderedDict
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer, print_log

BUFFER_KEYS = {'log_history', 'count_history', 'max_length'}


def to_plain(value: Any, where: str = 'checkpoint') -> Any:
    """Replace what ``torch.load(weights_only=True)`` refuses by plain types.

    numpy scalars become Python numbers, arrays become tensors, dict and list
    subclasses become dict and list, log histories become dicts of tensors.

    Raises:
        TypeError: If an object has no plain form; ``where`` leads the path to
            it in the message.
    """
    if value is None or isinstance(value, bool | str | bytes | torch.Tensor | torch.Size):
        return value
    if isinstance(value, int | float | complex) and type(value).__module__ == 'builtins':
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biufc':
        return torch.from_numpy(value.copy())
    if isinstance(value, HistoryBuffer):
        log, count = value.data
        return dict(
            log_history=torch.from_numpy(np.asarray(log, np.float64)),
            count_history=torch.from_numpy(np.asarray(count, np.int64)),
            max_length=value.max_length,
        )
    if isinstance(value, dict):
        plain = {to_plain(k, where): to_plain(v, f'{where}.{k}') for k, v in value.items()}
        if isinstance(value, OrderedDict):  # a state dict, whose _metadata tells module versions
            ordered = OrderedDict(plain)
            if hasattr(value, '_metadata'):
                ordered._metadata = value._metadata  # type: ignore[attr-defined]
            return ordered
        return Counter(plain) if isinstance(value, Counter) else plain
    if isinstance(value, list | tuple):
        items = [to_plain(v, f'{where}[{i}]') for i, v in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items
    raise TypeError(
        f'{where} is a {type(value).__module__}.{type(value).__qualname__}, which a checkpoint '
        'that loads without executing code cannot hold: store numbers, strings, tensors, lists or dicts'
    )


def plain_message_hub(state: dict[str, Any]) -> dict[str, Any]:
    """Make a message hub's state dict plain; runtime info without plain form is left out, with a warning."""
    info = {}
    for key, value in state['runtime_info'].items():
        try:
            info[key] = to_plain(value, f'message_hub.runtime_info.{key}')
        except TypeError as error:
            print_log(f'left out of the checkpoint: {error}', logger='current', level=30)
    return dict(
        log_scalars=to_plain(dict(state['log_scalars']), 'message_hub.log_scalars'),
        runtime_info=info,
        resumed_keys=to_plain(dict(state['resumed_keys'])),
    )


def restore_message_hub(state: dict[str, Any]) -> dict[str, Any]:
    """Rebuild the log histories of :func:`plain_message_hub`."""
    scalars = {}
    for key, value in state['log_scalars'].items():
        if isinstance(value, dict) and set(value) == BUFFER_KEYS:
            value = HistoryBuffer(
                value['log_history'].cpu().numpy(), value['count_history'].cpu().numpy(), value['max_length']
            )
        scalars[key] = value
    return {**state, 'log_scalars': scalars}
