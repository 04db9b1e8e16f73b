"""The key layout of the DACL authors' checkpoints, and ours.

The authors save ``{'epoch', 'model_state_dict'}`` of a network under
DataParallel, without centres. Only the layout is used here, not their code.
"""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from dacl_mm.errors import ReferenceFormatError

WRAPPER = 'module.'
# Reference prefix -> ours; everything else is the backbone.
PREFIXES = {
    'attention_heads.': 'head.attention.heads.',
    'attention.': 'head.attention.encoder.',
    'fc.': 'head.fc.',
    '': 'backbone.',
}
CENTERS = 'head.loss_center.centers'


def from_reference(checkpoint: Mapping[str, Any], centers: Tensor) -> tuple[dict[str, Tensor], int]:
    """Rename a reference checkpoint's tensors to a DACL classifier's.

    Args:
        checkpoint: ``{'epoch': int, 'model_state_dict': {...}}``, with or
            without ``module.`` prefixes.
        centers: (K, d) to add, since the authors' files lack them.

    Returns:
        The state dict, and the epoch.

    Raises:
        ReferenceFormatError: If it is no checkpoint of the reference's DACL.
    """
    if not isinstance(checkpoint.get('model_state_dict'), Mapping):
        raise ReferenceFormatError("no 'model_state_dict': not a checkpoint of the DACL authors' code")
    weights = OrderedDict()
    for name, value in checkpoint['model_state_dict'].items():
        name = name.removeprefix(WRAPPER)
        old = next(prefix for prefix in PREFIXES if name.startswith(prefix))
        weights[PREFIXES[old] + name.removeprefix(old)] = value
    needed = ('head.attention.heads.weight', 'head.fc.weight', 'backbone.conv1.weight')
    missing = [name for name in needed if name not in weights]
    if missing:
        raise ReferenceFormatError(f"no {', '.join(missing)}: not a DACL checkpoint of the authors' code")
    weights[CENTERS] = centers
    return weights, int(checkpoint.get('epoch', 0))


def to_reference(state_dict: Mapping[str, Tensor], epoch: int) -> dict[str, Any]:
    """Rename a DACL classifier's tensors to the reference's; the centres are left out.

    Raises:
        ReferenceFormatError: If a tensor has no counterpart there.
    """
    weights = OrderedDict()
    for name, value in state_dict.items():
        if name == CENTERS or name.startswith('data_preprocessor.'):
            continue
        old = next((new for new in PREFIXES.values() if name.startswith(new)), None)
        if old is None:
            raise ReferenceFormatError(f'{name} has no counterpart in the reference: not a DACL classifier')
        reference = next(prefix for prefix, new in PREFIXES.items() if new == old)
        weights[WRAPPER + reference + name.removeprefix(old)] = value
    return dict(epoch=epoch, model_state_dict=weights)
