"""What finding and aligning faces is worth, in accuracy."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import NamedTuple

import numpy as np

from .align import face_crop
from .classifier import Classifier
from .crops import SampledCrops
from .detectors import Detection, Detector
from .info import Framing
from .scenes import Placed, as_it_is, reframed, scene

BATCH = 64
CROPS: dict[str, Callable[[np.ndarray, np.random.Generator], Placed]] = {
    'as they are': as_it_is,
    '20 % tighter': partial(reframed, zoom=0.8),
    '30 % tighter': partial(reframed, zoom=0.7),
    '30 % looser': partial(reframed, zoom=1.3),
    '50 % looser': partial(reframed, zoom=1.5),
    'turned by 20 degrees': partial(reframed, turn=20.0),
    'turned by 30 degrees': partial(reframed, turn=30.0),
}


class Outcome(NamedTuple):
    """Percentages of a way to show faces to a network."""

    name: str
    way: str  # how they are cut out
    images: int
    found: float | None  # share of the faces that the detector found; None where it did not look
    accuracy: float  # a face that was not found counts as wrong, in a crop as the crop is
    accuracy_found: float | None  # of those found
    others: int = 0  # detections beside the face

    def __str__(self) -> str:
        found, accuracy = (
            f'{"-":>7}' if value is None else f'{value:7.2f}' for value in (self.found, self.accuracy_found)
        )
        return f'{self.name:22}{self.way:22}{self.accuracy:9.2f}{found:>9}{accuracy:>16}{self.others:8}'


HEADER = f'{"images":22}{"cut out by":22}{"accuracy":>9}{"found":>9}{"of those found":>16}{"others":>8}'


def check_framing(
    crops: SampledCrops, classifier: Classifier, framing: Framing, detector: Detector, seed: int = 0
) -> Iterator[Outcome]:
    """Yield the accuracy of crops under right and wrong framing, and of crops pasted into scenes.

    Each of them unaligned and aligned: crops as they are, faces in scenes as the square around their box.

    Args:
        crops: Faces of the test set.
        classifier: The network.
        framing: Of its training set.
        detector: Finds the faces.
        seed: Of places, sizes, angles and backgrounds.
    """
    for name, make in CROPS.items():
        yield from _outcomes(crops, classifier, name, partial(_crop, make, framing, detector), seed)
    scenes = partial(_scene, framing, detector)
    yield from _outcomes(crops, classifier, 'pasted into scenes', scenes, seed)


class _Shown(NamedTuple):
    """A face as it is cut out."""

    plain: np.ndarray | None
    aligned: np.ndarray | None
    found: bool
    others: int


def _crop(
    make: Callable[[np.ndarray, np.random.Generator], Placed],
    framing: Framing,
    detector: Detector,
    crop: np.ndarray,
    rng: np.random.Generator,
) -> _Shown:
    placed = make(crop, rng)
    face, others = _of(placed, detector(placed.image))
    aligned = face_crop(placed.image, face, framing) if face else placed.image
    return _Shown(placed.image, aligned, face is not None, others)


def _scene(framing: Framing, detector: Detector, crop: np.ndarray, rng: np.random.Generator) -> _Shown:
    placed = scene(crop, rng)
    face, others = _of(placed, detector(placed.image))
    if face is None:
        return _Shown(None, None, False, others)
    plain, aligned = (face_crop(placed.image, face, frame) for frame in (None, framing))
    return _Shown(plain, aligned, True, others)


def _of(placed: Placed, faces: Sequence[Detection]) -> tuple[Detection | None, int]:
    """Return the surest of the detections whose center lies on the face, and how many lie elsewhere."""
    on = [
        face
        for face in faces
        if np.hypot(*(np.add(face.box[:2], np.divide(face.box[2:], 2)) - placed.center)) < placed.side / 3
    ]
    return max(on, key=lambda face: face.score, default=None), len(faces) - len(on)


def _outcomes(
    crops: SampledCrops,
    classifier: Classifier,
    name: str,
    show: Callable[[np.ndarray, np.random.Generator], _Shown],
    seed: int,
) -> Iterator[Outcome]:
    rng = np.random.default_rng(seed)
    shown = (show(crop, rng) for crop in crops.images(name))
    labels = iter(crops.names())
    right: dict[str, list[bool]] = {'plain': [], 'aligned': []}
    found: list[bool] = []
    others = 0
    while batch := list(islice(shown, BATCH)):
        truth = list(islice(labels, len(batch)))
        for way, kept in right.items():
            kept += _right([getattr(face, way) for face in batch], truth, classifier)
        found += [face.found for face in batch]
        others += sum(face.others for face in batch)
    plain, aligned, where = np.array(right['plain']), np.array(right['aligned']), np.array(found)
    is_scene = name not in CROPS
    yield Outcome(
        name,
        'square around the box' if is_scene else 'nothing',
        len(where),
        _percent(where) if is_scene else None,
        _percent(plain),
        _percent(plain[where]),
        others,
    )
    yield Outcome(
        name, 'alignment', len(where), _percent(where), _percent(aligned), _percent(aligned[where]), others
    )


def _right(faces: Sequence[np.ndarray | None], truth: Sequence[str], classifier: Classifier) -> list[bool]:
    scores = iter(classifier([face for face in faces if face is not None]))
    classes = classifier.info.classes
    return [
        face is not None and classes[int(next(scores).argmax())] == name for face, name in zip(faces, truth)
    ]


def _percent(values: np.ndarray) -> float:
    return round(100 * float(values.mean()), 2) if len(values) else 0.0
