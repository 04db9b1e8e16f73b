"""Reading videos and cameras frame by frame."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from dacl_mm.errors import MissingFileError, UnreadableImageError, UserError

from .frames import Frame

#: Frames a second of a video that names no rate.
USUAL_RATE = 25.0


class VideoFacts(NamedTuple):
    """What a video's container says of it."""

    frames: int  # 0 where unknown
    rate: float  # frames a second, on average


def video_facts(path: str | Path) -> VideoFacts:
    """Return what a video's container says.

    Raises:
        UnreadableImageError: If it cannot be read as a video.
    """
    capture = _open(path)
    facts = _facts(capture)
    capture.release()
    return facts


def read_video(path: str | Path) -> Iterator[Frame]:
    """Yield the frames of a video, with the times that its container gives them.

    A video that ends well before the length that it states gives a last frame that says so.

    Args:
        path: The file.

    Raises:
        UnreadableImageError: If it cannot be read as a video.
    """
    capture = _open(path)
    try:
        facts = _facts(capture)
        number, last = 0, -1.0 / facts.rate
        while (image := _next(capture)) is not None:
            stated = capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            # Some containers give no times, or the same twice.
            last = stated if stated > last else last + 1 / facts.rate
            yield Frame(str(path), number, last, image)
            number += 1
        length = facts.frames / facts.rate
        if number == 0 or last < 0.9 * length - 1:
            reason = f'{path} ends at {max(last, 0):.1f} s of {length:.1f} s: it is damaged'
            yield Frame(str(path), number, max(last, 0.0), None, reason)
    finally:
        capture.release()


def read_camera(number: int) -> Iterator[Frame]:
    """Yield the frames of a camera until it is gone, with the times at which they arrive.

    Args:
        number: Of the camera, from 0.

    Raises:
        UserError: If there is no such camera.
    """
    capture = cv2.VideoCapture(number)
    if not capture.isOpened():
        raise UserError(f'there is no camera {number}: plug one in, or say webcam:N for another')
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)  # the newest frame, not those that waited
    start, count = time.monotonic(), 0
    try:
        while (image := _next(capture)) is not None:
            yield Frame(f'webcam:{number}', count, time.monotonic() - start, image)
            count += 1
    finally:
        capture.release()


def _open(path: str | Path) -> cv2.VideoCapture:
    if not Path(path).is_file():
        raise MissingFileError(f'{path} does not exist')
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise UnreadableImageError(f'{path} cannot be read as a video')
    return capture


def _facts(capture: cv2.VideoCapture) -> VideoFacts:
    frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return VideoFacts(max(int(frames), 0), rate if 0 < rate <= 1000 else USUAL_RATE)


def _next(capture: cv2.VideoCapture) -> np.ndarray | None:
    read, image = capture.read()
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if read else None
