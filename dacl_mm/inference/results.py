"""What a prediction consists of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: In the place of an expression whose confidence is too low, of a frame without a face, of a damaged file.
UNSURE, NO_FACE, UNREADABLE = 'unsure', 'no face', 'unreadable'


@dataclass(frozen=True, slots=True)
class Face:
    """A face and its expression.

    Attributes:
        source: File or camera.
        frame: Index in the source, from 0.
        time: Seconds since the start of the source; None for an image.
        face: Index in the frame, from 0.
        track: Number of the face over time; says which box goes on in the next frame, not who it is.
        x: Left edge of the box in pixels.
        y: Top edge.
        width: Of the box.
        height: Of the box.
        landmarks: Five points (x, y) in pixels, as :data:`~dacl_mm.inference.info.Points`; None without.
        expression: Class of the greatest probability, smoothed where there are such; ``unsure`` where
            that is below the threshold.
        confidence: That probability.
        probabilities: Class -> calibrated probability in this frame alone.
        smoothed: Class -> the same over time; None for an image.
    """

    source: str
    frame: int
    time: float | None
    face: int
    track: int | None
    x: float
    y: float
    width: float
    height: float
    landmarks: tuple[tuple[float, float], ...] | None
    expression: str
    confidence: float
    probabilities: Mapping[str, float]
    smoothed: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The faces of an image or a frame.

    Attributes:
        source: File or camera.
        frame: Index in the source, from 0.
        time: Seconds since the start of the source; None for an image.
        size: Width and height of the image in pixels; (0, 0) of a damaged file.
        faces: Those found, from the left to the right.
        error: Why there is no image; None where there is one.
        image: The image itself, RGB, uint8, (H, W, 3), where it is at hand.
    """

    source: str
    frame: int
    time: float | None
    size: tuple[int, int]
    faces: tuple[Face, ...]
    error: str | None = None
    image: np.ndarray | None = field(default=None, repr=False, compare=False)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a dict a face, of plain types; one without box and probabilities if there is no face."""
        raise NotImplementedError

    def _repr_png_(self) -> bytes | None:
        """Return the annotated image for a notebook; None without an image."""
        raise NotImplementedError
