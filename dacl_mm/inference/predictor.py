"""From images to expressions: find faces, cut them out, name what they show."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, overload

import numpy as np

from .classifier import Classifier
from .info import ModelInfo
from .models import SHIPPED
from .results import Prediction

Image = str | Path | np.ndarray


class Frame(NamedTuple):
    """An image on its way to the network."""

    source: str
    number: int  # in the source, from 0
    time: float | None  # seconds since the start of the source; None of an image
    image: np.ndarray | None  # RGB, uint8, (H, W, 3); None where it cannot be read
    error: str | None = None  # why


class Predictor:
    """Names the expressions of the faces in images and videos.

    Args:
        model: Name of a shipped network, a checkpoint file, the folder of an ONNX bundle, or a
            :class:`~dacl_mm.inference.Classifier`.
        config: Config of a checkpoint that holds none.
        device: As torch names it; by default a GPU where there is one.
        faces: ``detect`` looks for faces, ``crop`` takes each image for one.
        detector: ``retinaface``, ``mtcnn``, ``yunet:FILE`` or ``none`` (which is ``faces='crop'``).
        batch_size: Faces that pass the network together; results do not depend on it.
        min_face: Least side of a box in pixels; smaller faces are left out.
        unsure: Least confidence of a named expression; None takes that of the network.

    Raises:
        UserError: If an option does not exist, or what it needs is missing.
    """

    def __init__(
        self,
        model: str | Classifier = SHIPPED,
        *,
        config: str | None = None,
        device: str | None = None,
        faces: Literal['detect', 'crop'] = 'detect',
        detector: str = 'retinaface',
        batch_size: int = 32,
        min_face: float = 0,
        unsure: float | None = None,
    ) -> None:
        raise NotImplementedError

    @property
    def info(self) -> ModelInfo:
        """What travels with the weights."""
        raise NotImplementedError

    @overload
    def __call__(self, source: Image) -> Prediction: ...  # type: ignore[overload-overlap]  # text is a sequence too
    @overload
    def __call__(self, source: Sequence[Image]) -> list[Prediction]: ...
    def __call__(self, source: Image | Sequence[Image]) -> Prediction | list[Prediction]:
        """Predict an image, or several.

        Args:
            source: File, or an RGB or grey array of uint8, (H, W, 3) or (H, W); or a list of these.

        Raises:
            UnreadableImageError: If a single file cannot be read; one of several gets a prediction that
                says so.
            UserError: If an array is of another kind.
        """
        raise NotImplementedError

    def frames(self, frames: Iterable[Frame]) -> Iterator[Prediction]:
        """Predict a stream of images in batches; holds one batch at a time."""
        raise NotImplementedError

    def video(self, path: str | Path, smooth: float = 0.3) -> Iterator[Prediction]:
        """Predict a video frame by frame, faces followed and their probabilities smoothed.

        Args:
            path: The file.
            smooth: Time constant in seconds; 0 smooths nothing.

        Raises:
            UserError: If it cannot be read.
        """
        raise NotImplementedError

    def stream(self, source: str = 'stream', smooth: float = 0.3) -> 'Stream':
        """Begin to follow faces through images that arrive one by one."""
        raise NotImplementedError


class Stream:
    """Follows the faces of one camera; made by :meth:`Predictor.stream`."""

    def __call__(self, image: np.ndarray, time: float) -> Prediction:
        """Predict the next image.

        Args:
            image: RGB, uint8, (H, W, 3).
            time: Seconds since the start, not less than that of the image before.
        """
        raise NotImplementedError
