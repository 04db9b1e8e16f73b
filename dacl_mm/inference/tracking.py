"""Which box goes on in the next frame: a number for each face while it is seen.

A number says that boxes overlap from frame to frame, never who somebody is.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

#: Least overlap (intersection over union) of a face with itself a frame later.
OVERLAP = 0.3
#: Seconds for which an unseen face keeps its number.
PATIENCE = 0.5

Box = tuple[float, float, float, float]  # left, top, width, height


class Tracker:
    """Numbers faces by the overlap of their boxes.

    Args:
        patience: Seconds for which an unseen face keeps its number.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self.patience = patience
        self._seen: dict[int, tuple[Box, float]] = {}  # number -> its last box, and when
        self._next = 0

    def __call__(self, boxes: Sequence[Box], time: float) -> list[int]:
        """Return the number of each box of a frame.

        Args:
            boxes: In pixels.
            time: Seconds; not less than that of the frame before.
        """
        self._seen = {k: v for k, v in self._seen.items() if time - v[1] <= self.patience}
        known = list(self._seen)
        overlap = overlaps(boxes, [self._seen[number][0] for number in known])
        numbers = [-1] * len(boxes)
        for row, column in zip(*linear_sum_assignment(overlap, maximize=True)):
            if overlap[row, column] >= OVERLAP:
                numbers[row] = known[column]
        for i, box in enumerate(boxes):
            if numbers[i] < 0:
                numbers[i], self._next = self._next, self._next + 1
            self._seen[numbers[i]] = (box, time)
        return numbers


def overlaps(ones: Sequence[Box], others: Sequence[Box]) -> np.ndarray:
    """Return the intersection over union of each pair of boxes, (M, N)."""
    a, b = (np.asarray(boxes, float).reshape(-1, 4) for boxes in (ones, others))
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)  # (M, N)
    union = np.prod(a[:, None, 2:], axis=2) + np.prod(b[None, :, 2:], axis=2) - common
    result: np.ndarray = common / np.maximum(union, np.finfo(float).tiny)
    return result
