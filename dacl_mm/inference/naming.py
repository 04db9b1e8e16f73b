"""From probabilities to the name of an expression."""

from collections.abc import Mapping, Sequence

import numpy as np

from .detectors import Detection
from .frames import Frame
from .results import UNSURE, Face, Prediction


def named(probabilities: Mapping[str, float], unsure: float) -> tuple[str, float]:
    """Return the expression of the greatest probability, and that probability.

    Args:
        probabilities: Class -> probability.
        unsure: Below it the expression is :data:`UNSURE`.
    """
    best = max(probabilities, key=lambda name: probabilities[name])
    confidence = probabilities[best]
    return (UNSURE if confidence < unsure else best), confidence


def to_face(
    frame: Frame, index: int, found: Detection, score: np.ndarray, classes: Sequence[str], unsure: float
) -> Face:
    """Return a face with its expression.

    Args:
        frame: Where it was found.
        index: In the frame, from 0.
        found: Its place.
        score: Class probabilities, (K,).
        classes: Their names.
        unsure: Least confidence of a named expression.
    """
    probabilities = dict(zip(classes, map(float, score)))
    expression, confidence = named(probabilities, unsure)
    x, y, width, height = map(float, found.box)
    points = None if found.landmarks is None else tuple((float(a), float(b)) for a, b in found.landmarks)
    return Face(
        source=frame.source,
        frame=frame.number,
        time=frame.time,
        face=index,
        track=None,
        x=x,
        y=y,
        width=width,
        height=height,
        landmarks=points,
        expression=expression,
        confidence=confidence,
        probabilities=probabilities,
    )


def to_prediction(frame: Frame, faces: Sequence[Face]) -> Prediction:
    """Return what was found in a frame, which keeps its image."""
    size = (0, 0) if frame.image is None else (frame.image.shape[1], frame.image.shape[0])
    return Prediction(frame.source, frame.number, frame.time, size, tuple(faces), frame.error, frame.image)
