"""Batched flips, exact."""

from collections.abc import Sequence

import numpy as np

from dacl_mm.errors import UserError

from .transform import BATCH_TRANSFORMS, BatchTransform
from .view import View


@BATCH_TRANSFORMS.register_module()
class RandomFlip(BatchTransform):
    """MMCV's ``RandomFlip``.

    Args:
        prob: Probability of a flip, shared by the directions, or one for each direction.
        direction: 'horizontal', 'vertical' or 'diagonal' (both), or several of them.

    Raises:
        UserError: If probabilities and directions do not fit together.
    """

    numbers = 1
    DIRECTIONS = ('horizontal', 'vertical', 'diagonal')

    def __init__(self, prob: float | Sequence[float], direction: str | Sequence[str] = 'horizontal') -> None:
        self.directions = [direction] if isinstance(direction, str) else list(direction)
        for name in self.directions:
            if name not in self.DIRECTIONS:
                raise UserError(f'direction must be of {", ".join(self.DIRECTIONS)}, got {name!r}')
        count = len(self.directions)
        probabilities = [prob / count] * count if isinstance(prob, int | float) else list(prob)
        if len(probabilities) != count or min(probabilities) < 0 or sum(probabilities) > 1:
            raise UserError(
                f'prob of RandomFlip must be a probability, or one for each direction, {self.directions}, '
                f'got {prob}'
            )
        self.bounds = np.cumsum(probabilities)
        along = [(name != 'vertical', name != 'horizontal') for name in self.directions]
        self.along = np.array([*along, (False, False)])  # the last: no flip

    def __call__(self, view: View, numbers: np.ndarray) -> View:
        which = np.searchsorted(self.bounds, numbers[:, 0], side='right')
        horizontally, vertically = self.along[which].T
        return view.flipped(horizontally, vertically)
