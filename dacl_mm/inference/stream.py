"""Images that arrive one by one."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np

from .following import Follower
from .frames import Frame
from .results import Prediction


class Stream:
    """Predicts the images of one camera and follows its faces; made by :meth:`Predictor.stream`.

    Args:
        predict: :meth:`Predictor.frames`.
        follow: Of this stream alone.
        source: Its name in the predictions.
    """

    def __init__(
        self, predict: Callable[[Iterable[Frame]], Iterator[Prediction]], follow: Follower, source: str
    ) -> None:
        self._predict, self._follow = predict, follow
        self._source = source
        self._number = 0

    def __call__(self, image: np.ndarray, time: float) -> Prediction:
        """Predict the next image.

        Args:
            image: RGB, uint8, (H, W, 3).
            time: Seconds since the start, not less than that of the image before.
        """
        frame = Frame(self._source, self._number, time, image)
        self._number += 1
        (prediction,) = self._predict([frame])
        return self._follow(prediction)
