"""Whether images frame faces as the training images did."""

from warnings import warn

import numpy as np

from dacl_mm.errors import UserError

from .align import similarity
from .detectors import Detector, build_detector
from .framing import crop_landmarks
from .info import Framing, ModelInfo

NO_FRAMING = (
    'nobody has measured how the training images of {} frame faces: they are cut out as squares around '
    'boxes, and accuracy may suffer. tools/measure_framing.py CONFIG --checkpoint FILE measures it'
)


class FramingWarning(UserWarning):
    """Faces may not be shown to the network as those of its training were."""


class FramingWatch:
    """Looks at the first images that are taken for cropped faces; tells once if they are framed otherwise.

    What it compares are the median landmarks of n crops, in spreads of the training set (root of the mean
    square over coordinates). Its limit is 10 / n, 6 for the first, up to the 16th crop with a face; then it
    is at rest.

    Args:
        framing: Of the training set.
        detector: Finds the landmarks.
    """

    CROPS = 16
    LIMIT, GREATEST = 10.0, 6.0

    def __init__(self, framing: Framing, detector: Detector) -> None:
        self.framing, self.detector = framing, detector
        self._seen: list[np.ndarray] = []
        self._done = False

    def __call__(self, crop: np.ndarray) -> str | None:
        """Look at the next crop; returns what is wrong with those so far, once.

        Args:
            crop: RGB, uint8, (H, W, 3).
        """
        points = None if self._done else crop_landmarks(crop, self.detector)
        if points is None:
            return None
        self._seen.append(points)
        median = np.median(self._seen, axis=0)
        wrong = misfit(median, self.framing) > min(self.LIMIT / len(self._seen), self.GREATEST)
        self._done = wrong or len(self._seen) == self.CROPS
        return _complaint(median, self.framing) if wrong else None


def framing_watch(info: ModelInfo, detector: str) -> FramingWatch | None:
    """Return what looks at a network's crops; None, after a warning, where it cannot."""
    if info.framing is None:
        return None  # nothing to compare with
    try:
        return FramingWatch(info.framing, build_detector(detector))
    except UserError as error:
        warn(f'the framing of the images is not compared: {error}', FramingWarning, stacklevel=3)
        return None


def misfit(landmarks: np.ndarray, framing: Framing) -> float:
    """Return how far landmarks lie from a framing's, in its spreads.

    Args:
        landmarks: Shares of width and height, (5, 2).
        framing: Of the training set.
    """
    off = (landmarks - framing.landmarks) / np.maximum(framing.spread, 1e-3)
    return float(np.sqrt(np.square(off).mean()))


def _complaint(landmarks: np.ndarray, framing: Framing) -> str:
    moved = similarity(np.array(framing.landmarks), landmarks)
    scale = np.hypot(moved[0, 0], moved[1, 0])
    turn = np.degrees(np.arctan2(moved[1, 0], moved[0, 0]))
    across, down = 100 * (landmarks.mean(0) - np.mean(framing.landmarks, axis=0))
    return (
        f'the images frame faces otherwise than the training images did: {scale:.2f} times as large, turned '
        f'by {turn:+.0f} degrees, moved by {across:+.0f} and {down:+.0f} % of width and height. Let '
        "faces='detect' find and align them, or expect more errors"
    )
