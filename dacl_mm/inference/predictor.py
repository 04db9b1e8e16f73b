"""From images to expressions: find faces, cut them out, name what they show."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal, overload
from warnings import warn

import numpy as np
from PIL import Image

from dacl_mm.errors import UnreadableImageError, UserError

from .align import face_crop
from .classifier import Classifier
from .detectors import Detection, build_detector
from .following import Follower
from .frames import Frame, Picture, batched, to_frame
from .framing import NO_FRAMING, FramingWarning, framing_watch
from .info import ModelInfo
from .models import SHIPPED, load_classifier
from .naming import to_face, to_prediction
from .results import Prediction
from .smoothing import SECONDS
from .stream import Stream
from .video import read_video


class Predictor:
    """Names the expressions of the faces in images and videos.

    Args:
        model: Name of a shipped network, a checkpoint file, the folder of an ONNX bundle, or a
            :class:`~dacl_mm.inference.Classifier`.
        config: Config of a checkpoint that holds none.
        device: As torch names it; by default a GPU where there is one.
        faces: ``detect`` looks for faces, ``crop`` takes each image for one.
        detector: ``retinaface``, ``mtcnn``, either with the side in pixels at which it looks
            (``retinaface:320``), ``yunet:FILE``, or ``none`` (which is ``faces='crop'``).
        batch_size: Faces that pass the network together; results do not depend on it.
        min_face: Least side of a box in pixels; smaller faces are left out.
        unsure: Least confidence of a named expression; None takes that of the network.

    Raises:
        UserError: If an option does not exist, or what it needs is missing.
    """

    def __init__(
        self,
        model: str | Path | Classifier = SHIPPED,
        *,
        config: str | None = None,
        device: str | None = None,
        faces: Literal['detect', 'crop'] = 'detect',
        detector: str = 'retinaface',
        batch_size: int = 32,
        min_face: float = 0,
        unsure: float | None = None,
    ) -> None:
        if faces not in ('detect', 'crop'):
            raise UserError(f"faces is {faces!r}: say 'detect', or 'crop' for images that are faces already")
        if batch_size < 1:
            raise UserError(f'batch_size is {batch_size}: it must be positive')
        if not 0 <= (unsure or 0) <= 1:
            raise UserError(f'unsure is {unsure}: it is a probability, from 0 to 1')
        self.detector = None if faces == 'crop' or detector == 'none' else build_detector(detector)
        if isinstance(model, str | Path):
            model = load_classifier(str(model), config, device)
        self.classifier = model
        self.batch_size = batch_size
        self.min_face = min_face
        self.unsure = self.info.unsure if unsure is None else unsure
        self._watch = None if self.detector or detector == 'none' else framing_watch(self.info, detector)
        if self.detector and self.info.framing is None:
            warn(NO_FRAMING.format(self.info.name), FramingWarning, stacklevel=2)

    @property
    def info(self) -> ModelInfo:
        """What travels with the weights."""
        return self.classifier.info

    @overload
    def __call__(self, source: Picture) -> Prediction: ...  # type: ignore[overload-overlap]  # str is one too
    @overload
    def __call__(self, source: Sequence[Picture]) -> list[Prediction]: ...
    def __call__(self, source: Picture | Sequence[Picture]) -> Prediction | list[Prediction]:
        """Predict an image, or several.

        Args:
            source: A file, a picture of Pillow's, or an array of uint8, RGB (H, W, 3) or grey (H, W); or
                a list of these.

        Raises:
            UnreadableImageError: If a single file cannot be read; one of several gets a prediction that
                says so.
            UserError: If an array is of another kind.
        """
        if not isinstance(source, str | Path | Image.Image | np.ndarray):
            pictures = (to_frame(picture, f'image {i}') for i, picture in enumerate(source))
            return [_light(prediction) for prediction in self.frames(pictures)]
        (prediction,) = self.frames([to_frame(source, 'image 0')])
        if prediction.error:
            raise UnreadableImageError(prediction.error)
        return prediction

    def frames(self, frames: Iterable[Frame], at_once: int | None = None) -> Iterator[Prediction]:
        """Predict a stream of images in batches, of which one is held at a time.

        Args:
            frames: Images of any sizes.
            at_once: Images of a batch; by default ``batch_size``.
        """
        for batch in batched(frames, at_once or self.batch_size):
            found = [self._detect(frame) for frame in batch]
            crops = [crop for frame, faces in zip(batch, found) for crop in self._crops(frame, faces)]
            chunks = [crops[i : i + self.batch_size] for i in range(0, len(crops), self.batch_size)]
            scores = iter([score for chunk in chunks for score in self.classifier(chunk)])
            for frame, faces in zip(batch, found):
                named = [
                    to_face(frame, i, face, next(scores), self.info.classes, self.unsure)
                    for i, face in enumerate(faces)
                ]
                yield to_prediction(frame, named)

    def video(self, path: str | Path, smooth: float = SECONDS) -> Iterator[Prediction]:
        """Predict a video frame by frame, faces followed and their probabilities smoothed.

        Args:
            path: The file.
            smooth: Time constant in seconds; 0 smooths nothing.

        Raises:
            UnreadableImageError: If it cannot be read.
        """
        follow = Follower(smooth, self.unsure)
        return map(follow, self.frames(read_video(path)))

    def stream(self, source: str = 'stream', smooth: float = SECONDS) -> Stream:
        """Begin to follow faces through images that arrive one by one.

        Args:
            source: Its name in the predictions.
            smooth: Time constant in seconds; 0 smooths nothing.
        """
        return Stream(self.frames, Follower(smooth, self.unsure), source)

    def _detect(self, frame: Frame) -> list[Detection]:
        if frame.image is None:
            return []
        if self.detector is None:
            height, width = frame.image.shape[:2]
            return [Detection((0.0, 0.0, float(width), float(height)), 1.0, None)]
        found = [face for face in self.detector(frame.image) if min(face.box[2:]) >= self.min_face]
        return sorted(found, key=lambda face: face.box)

    def _crops(self, frame: Frame, faces: Sequence[Detection]) -> list[np.ndarray]:
        if frame.image is None:
            return []
        if self.detector is None:
            if complaint := self._watch and self._watch(frame.image):
                warn(complaint, FramingWarning, stacklevel=2)
            return [frame.image]
        return [face_crop(frame.image, face, self.info.framing) for face in faces]


def _light(prediction: Prediction) -> Prediction:
    """Return a prediction of a file without its pixels, which can be read again."""
    return replace(prediction, image=None) if Path(prediction.source).is_file() else prediction
