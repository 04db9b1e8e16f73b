"""What a prediction consists of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: In the place of an expression: confidence too low, a frame without a face, a damaged file.
UNSURE, NO_FACE, UNREADABLE = 'unsure', 'no face', 'unreadable'
#: Of a row, before those of the classes.
COLUMNS = (
    'source', 'frame', 'time', 'face', 'track', 'x', 'y', 'width', 'height', 'landmarks',
    'expression', 'confidence',
)  # fmt: skip
SMOOTHED = 'smoothed_'  # before the name of a class


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

    def row(self) -> dict[str, Any]:
        """Return a dict of plain types: :data:`COLUMNS`, then the classes, raw and smoothed."""
        row: dict[str, Any] = {name: getattr(self, name) for name in COLUMNS}
        if self.landmarks is not None:
            row['landmarks'] = [list(point) for point in self.landmarks]
        row |= {class_column(name): p for name, p in self.probabilities.items()}
        return row | {SMOOTHED + name: p for name, p in (self.smoothed or {}).items()}


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
        """Yield a dict a face, of plain types; one without face and probabilities where there is none."""
        for face in self.faces:
            yield face.row()
        if not self.faces:
            yield dict.fromkeys(COLUMNS) | dict(
                source=self.source,
                frame=self.frame,
                time=self.time,
                expression=UNREADABLE if self.error else NO_FACE,
            )

    def _repr_png_(self) -> bytes | None:
        """Return the annotated image for a notebook; None without an image."""
        from .draw import notebook_png  # which draws what is defined here

        return notebook_png(self)


def class_column(name: str) -> str:
    """Return the column of a class: its name, unless that is another column's."""
    return f'class_{name}' if name in COLUMNS else name
