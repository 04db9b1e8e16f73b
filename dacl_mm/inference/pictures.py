"""Annotated pictures and videos in a folder."""

import os
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from PIL import Image

from dacl_mm.errors import FileError
from dacl_mm.files import atomic_file, make_folder

from .draw import annotate
from .results import Prediction

MARK = '_faces'  # in the names, so that no source is written over


class PictureFolder:
    """Writes annotated pictures: a JPEG for an image, a VP9 WebM for a video or camera.

    Args:
        folder: Where to; made if there is none.

    Raises:
        FileError: If it cannot be written to.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._names: set[str] = set()
        make_folder(self.folder)

    def image(self, prediction: Prediction) -> None:
        """Write the picture of an image."""
        if prediction.image is None:
            return
        picture = Image.fromarray(annotate(prediction.image, prediction.faces))
        with atomic_file(self._path(prediction.source, '.jpg')) as file:
            picture.save(file, 'JPEG', quality=92)

    def video(self, source: str, rate: float) -> 'VideoFile':
        """Begin the video of a source.

        Args:
            source: Its name.
            rate: Frames a second.
        """
        return VideoFile(self._path(source, '.webm'), rate)

    def _path(self, source: str, suffix: str) -> Path:
        stem = Path(source).stem.replace(':', '_') + MARK
        name, count = stem, 1
        while name in self._names:  # a folder may hold the same name twice, and several folders do
            count += 1
            name = f'{stem}_{count}'
        self._names.add(name)
        return self.folder / (name + suffix)


class VideoFile:
    """A video of a constant rate, whose frames stand where their times say; without sound.

    It appears when it is closed without an error.

    Args:
        path: The file.
        rate: Frames a second.
    """

    def __init__(self, path: Path, rate: float) -> None:
        self.path = path
        self.rate = rate
        self._part = path.with_name(f'.{os.getpid()}.{path.name}')
        self._writer: cv2.VideoWriter | None = None
        self._frames = 0
        self._start: float | None = None  # time of the first frame
        self._last: np.ndarray | None = None  # BGR

    def __enter__(self) -> 'VideoFile':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writer is not None:
            self._writer.release()
        if self._part.exists():
            if kind is None or kind is KeyboardInterrupt:
                os.replace(self._part, self.path)
            else:
                self._part.unlink()

    def __call__(self, prediction: Prediction) -> None:
        """Write a frame; where its time leaves a gap, the one before is repeated.

        Raises:
            FileError: If OpenCV cannot write VP9.
        """
        if prediction.image is None:
            return
        drawn = cv2.cvtColor(annotate(prediction.image, prediction.faces), cv2.COLOR_RGB2BGR)
        height, width = drawn.shape[0] // 2 * 2, drawn.shape[1] // 2 * 2  # VP9 halves the colours
        drawn = drawn[:height, :width]
        if self._writer is None:
            self._writer = self._open((width, height))
        time = prediction.time or 0.0
        self._start = time if self._start is None else self._start
        place = round((time - self._start) * self.rate)
        while self._last is not None and self._frames < place:
            self._write(self._last)
        if self._frames <= place:
            self._write(drawn)
        self._last = drawn

    def _write(self, image: np.ndarray) -> None:
        assert self._writer is not None
        self._writer.write(np.ascontiguousarray(image))
        self._frames += 1

    def _open(self, size: tuple[int, int]) -> cv2.VideoWriter:
        writer = cv2.VideoWriter(str(self._part), cv2.VideoWriter.fourcc(*'VP90'), self.rate, size)
        if not writer.isOpened():
            raise FileError(f'{self.path} cannot be written: OpenCV has no VP9 here, or no room')
        return writer
