"""What a batched transform is, and where its name is found."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from mmengine.device import get_device
from mmengine.registry import Registry

from dacl_mm.config.parts import suggestion
from dacl_mm.config.signatures import accepted, required
from dacl_mm.errors import UserError

from .view import View

#: Batched counterparts of MMPretrain's transforms, under the same names.
BATCH_TRANSFORMS = Registry('batch transform', scope='mmpretrain')


class BatchTransform:
    """Does to each sample of a batch what the transform of its name does to one image.

    A subclass takes the arguments of its namesake that concern images of a classifier.
    """

    #: Random numbers that a sample takes.
    numbers = 0
    #: On a CPU the namesake, which Pillow computes, takes less time.
    slow_on_cpu = False

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        """Transform a batch.

        Args:
            view: The samples.
            numbers: Of each sample, in [0, 1), (N, :attr:`numbers`).
        """
        raise NotImplementedError


def build_transform(cfg: Mapping[str, Any]) -> BatchTransform:
    """Build a batched transform from the config of its counterpart.

    Raises:
        UserError: If there is none, or it takes no such argument or value; names those there are.
    """
    arguments = dict(cfg)
    name = arguments.pop('type', None)
    kind = BATCH_TRANSFORMS.module_dict.get(name)
    if kind is None:
        known = sorted(BATCH_TRANSFORMS.module_dict)
        raise UserError(
            f'{name} has no batched counterpart{suggestion(str(name), known)}. Leave it in the pipeline of '
            f'the data set, with what comes before it; there are {", ".join(known)}'
        )
    known = sorted(accepted(kind) or ())
    if unknown := sorted(arguments.keys() - known):
        raise UserError(f'the batched {name} has no argument {", ".join(unknown)}; it has {", ".join(known)}')
    if missing := sorted(required(kind) - arguments.keys()):
        raise UserError(f'the batched {name} needs {", ".join(missing)}')
    transform: BatchTransform = kind(**arguments)
    return transform


def has_counterpart(cfg: Mapping[str, Any], random: bool = True) -> bool:
    """Return whether a transform gains by :func:`build_transform` on the device of a training.

    Args:
        cfg: Its config.
        random: Whether it may draw.
    """
    try:
        transform = build_transform(cfg)
    except UserError:
        return False
    if transform.slow_on_cpu and get_device() == 'cpu':
        return False
    return random or not transform.numbers
