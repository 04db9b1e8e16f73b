"""How faces are framed in the images of a training set, and whether other images frame them alike."""

from collections.abc import Iterable
from typing import Any, NamedTuple
from warnings import warn

import numpy as np

from dacl_mm.errors import UserError

from .align import similarity
from .detectors import Detector, build_detector
from .info import Framing, ModelInfo

NAMES = ('left eye', 'right eye', 'nose', 'left corner of the mouth', 'right corner of the mouth')
NORMAL = 1.4826  # standard deviation of a normal distribution in median absolute deviations
LEAST = 10  # faces that a measurement takes
NO_FRAMING = (
    'nobody has measured how the training images of {} frame faces: they are cut out as squares around '
    'boxes, and accuracy may suffer. tools/measure_framing.py CONFIG --checkpoint FILE measures it'
)


class FramingWarning(UserWarning):
    """Faces may not be shown to the network as those of its training were."""


class MeasuredFraming(NamedTuple):
    """Landmarks of a set of cropped faces; spreads are median absolute deviations times 1.4826."""

    framing: Framing
    images: int
    found: int  # of these, a face was found in
    roll: tuple[float, float]  # of the line through the eyes in degrees, clockwise: median and spread
    scale: tuple[float, float]  # against the median landmarks: median and spread

    def to_dict(self) -> dict[str, Any]:
        """Return plain types alone."""
        return self._asdict() | dict(framing=self.framing._asdict())

    def __str__(self) -> str:
        rows = zip(NAMES, self.framing.landmarks, self.framing.spread)
        return '\n'.join(
            [
                f'{self.found:,} faces found in {self.images:,} images of '
                f'{self.framing.size[0]} x {self.framing.size[1]} px',
                f'{"share of width and height":26}{"x":>6}{"y":>7}{"spread":>10}',
                *(f'{name:26}{x:6.3f}{y:7.3f}{u:8.3f}{v:7.3f}' for name, (x, y), (u, v) in rows),
                f'roll  {self.roll[0]:+.1f} degrees, spread {self.roll[1]:.1f}',
                f'scale {self.scale[0]:.2f}, spread {self.scale[1]:.2f}',
            ]
        )


def measure_framing(crops: Iterable[np.ndarray], detector: Detector) -> MeasuredFraming:
    """Find the landmarks of cropped faces, and take medians and spreads.

    Args:
        crops: RGB, uint8, (H, W, 3), of any sizes.
        detector: Finds the face; crops without one do not count.

    Raises:
        UserError: If it finds too few.
    """
    sizes, found = [], []
    for crop in crops:
        sizes.append(crop.shape[1::-1])
        points = crop_landmarks(crop, detector)
        if points is not None:
            found.append(points)
    if len(found) < LEAST:
        raise UserError(
            f'the detector found {len(found)} faces in {len(sizes)} images, and {LEAST} are needed: take '
            'more --images, or another --detector'
        )
    landmarks = np.stack(found)  # (n, 5, 2)
    median, spread = _median(landmarks)
    size = np.median(sizes, axis=0).round().astype(int)
    eyes = landmarks[:, 1] - landmarks[:, 0]
    roll, roll_spread = _median(np.degrees(np.arctan2(eyes[:, 1], eyes[:, 0])))
    # Those of a crop are so much larger than the median ones.
    scale, scale_spread = _median(1 / np.array([_scale(points, median) for points in landmarks]))
    return MeasuredFraming(
        Framing(_points(median), _points(spread), (int(size[0]), int(size[1]))),
        len(sizes),
        len(found),
        (float(roll), float(roll_spread)),
        (float(scale), float(scale_spread)),
    )


def crop_landmarks(crop: np.ndarray, detector: Detector) -> np.ndarray | None:
    """Return the landmarks of a crop's face as shares of width and height, (5, 2); None without one."""
    faces = [face for face in detector(crop) if face.landmarks is not None]
    if not faces:
        return None
    best = max(faces, key=lambda face: face.score)
    shares: np.ndarray = np.asarray(best.landmarks) / crop.shape[1::-1]
    return shares


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


def _scale(source: np.ndarray, target: np.ndarray) -> float:
    moved = similarity(source, target)
    return float(np.hypot(moved[0, 0], moved[1, 0]))


def _median(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    median = np.median(values, axis=0)
    return median, NORMAL * np.median(np.abs(values - median), axis=0)


def _points(values: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((round(float(x), 4), round(float(y), 4)) for x, y in values)
