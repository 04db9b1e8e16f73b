"""Faces of a stream: numbered, and their probabilities smoothed."""

from dataclasses import replace

from .naming import named
from .results import Face, Prediction
from .smoothing import Smoother
from .tracking import Tracker


class Follower:
    """Adds tracks and smoothed probabilities to the predictions of one stream, in their order.

    A face that was away for longer than the tracker's patience begins anew, its average too.

    Args:
        seconds: Time constant of the average; 0 smooths nothing.
        unsure: Least confidence of a named expression.
    """

    def __init__(self, seconds: float, unsure: float) -> None:
        self.unsure = unsure
        self._track, self._smooth = Tracker(), Smoother(seconds)

    def __call__(self, prediction: Prediction) -> Prediction:
        """Return the prediction of the next frame with what the frames before say."""
        time = prediction.time or 0.0
        numbers = self._track([(face.x, face.y, face.width, face.height) for face in prediction.faces], time)
        self._smooth.forget(before=time - self._track.patience)
        faces = [self._followed(face, track, time) for face, track in zip(prediction.faces, numbers)]
        return replace(prediction, faces=tuple(faces))

    def _followed(self, face: Face, track: int, time: float) -> Face:
        smoothed = self._smooth(track, time, face.probabilities)
        expression, confidence = named(smoothed, self.unsure)
        return replace(face, track=track, smoothed=smoothed, expression=expression, confidence=confidence)
