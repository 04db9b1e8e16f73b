"""From bytes to answers, in the worker's thread."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Literal

import numpy as np

from dacl_mm.errors import UserError
from dacl_mm.inference import Prediction, Predictor

from .answers import Answer, answer
from .decode import decode
from .limits import Limits, Refusal
from .metrics import Metrics
from .rate import RateLimit
from .worker import Worker

Faces = Literal['detect', 'crop']


class Engine:
    """Answers images with one network.

    Args:
        predictors: One for each way to take an image: to look for faces in it, or as a face.
        limits: Of images, senders and waiting.
        metrics: Where it is counted.
    """

    def __init__(self, predictors: Mapping[Faces, Predictor], limits: Limits, metrics: Metrics):
        self.predictors, self.limits, self.metrics = predictors, limits, metrics
        self.info = next(iter(predictors.values())).info
        self.rate = RateLimit(limits.rate)
        self.streams = 0
        self.worker = Worker(limits.waiting, limits.seconds)

    def admit(self, address: str) -> None:
        """Count a photograph or a new stream.

        Raises:
            Refusal: If its sender asks too often.
        """
        if wait := self.rate.take(address):
            reason = f'more than {self.limits.rate:g} requests a second: try again in {wait:.1f} s'
            raise Refusal(429, reason, retry=wait)

    @contextmanager
    def place_for_stream(self) -> Iterator[None]:
        """Take one of the places for streams.

        Raises:
            Refusal: If all are taken.
        """
        if self.streams == self.limits.streams:
            raise Refusal(503, f'{self.limits.streams} cameras are being answered already: try again later')
        self.streams += 1
        try:
            with self.metrics.streams.track_inprogress():
                yield
        finally:
            self.streams -= 1

    async def photo(self, data: bytes, faces: Faces) -> Answer:
        """Predict an image file.

        Raises:
            Refusal: If too many wait already, the image is not as it should be, or time is over.
        """
        if self.worker.full:
            reason = f'{self.limits.waiting} photographs are waiting already: try again later'
            raise Refusal(503, reason, retry=1)
        return await self.worker.run(partial(self._answer, data, self.predictors[faces]))

    def follow(self, faces: Faces, smooth: float) -> Callable[[bytes, float], Awaitable[Answer]]:
        """Begin a stream, and return what predicts its next frame, which arrived at a time in seconds."""
        stream = self.predictors[faces].stream(smooth=smooth)

        async def frame(data: bytes, seconds: float) -> Answer:
            return await self.worker.run(partial(self._answer, data, partial(stream, time=seconds)))

        return frame

    def _answer(self, data: bytes, predict: Callable[[np.ndarray], Prediction]) -> Answer:
        start = time.perf_counter()
        image = decode(data, self.limits)
        try:
            prediction = predict(image)
        except UserError as error:
            raise Refusal(422, str(error)) from None
        seconds = time.perf_counter() - start
        self.metrics.model.observe(seconds)
        self.metrics.faces.inc(len(prediction.faces))
        return answer(prediction, seconds)
