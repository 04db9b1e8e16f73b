"""What a run says of images and videos, for people."""

from collections import Counter
from collections.abc import Iterator

from dacl_mm.text import printable

from .draw import label
from .results import NO_FACE, UNREADABLE, Face, Prediction

TRACKS = 10  # that a video's summary names
CLASSES = 3  # that it names for each


def image_lines(prediction: Prediction) -> Iterator[str]:
    """Yield a line a face: where it is and what it shows."""
    source = printable(prediction.source)
    for face in prediction.faces:
        box = f'{face.width:.0f} x {face.height:.0f} px at {face.x:.0f}, {face.y:.0f}'
        yield f'{source}: {label(face)}, {box}'
    if not prediction.faces:
        yield f'{source}: {UNREADABLE if prediction.error else NO_FACE}'


class VideoSummary:
    """Counts what each track shows.

    Args:
        source: Name of the video.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._frames = self._without = 0
        self._shown: dict[int, Counter[str]] = {}  # track -> expression -> frames
        self._span: dict[int, tuple[float, float]] = {}  # track -> first and last time

    def __call__(self, prediction: Prediction) -> None:
        """Count a frame."""
        if prediction.error:
            return
        self._frames += 1
        self._without += not prediction.faces
        for face in prediction.faces:
            self._count(face, prediction.time or 0.0)

    def lines(self) -> Iterator[str]:
        """Yield a line for the video, and one for each of the longest tracks."""
        yield (
            f'{printable(self.source)}: {self._frames:,} frames, {self._without:,} without a face; '
            f'faces followed: {len(self._shown):,}'
        )
        longest = sorted(self._shown, key=lambda track: -self._shown[track].total())[:TRACKS]
        for track in longest:
            shown, (first, last) = self._shown[track], self._span[track]
            shares = ', '.join(
                f'{printable(name)} {100 * count / shown.total():.0f} %'
                for name, count in shown.most_common(CLASSES)
            )
            yield f'  {track}: {first:.1f} to {last:.1f} s, {shares}'
        if len(self._shown) > TRACKS:
            yield f'  and {len(self._shown) - TRACKS:,} shorter ones'

    def _count(self, face: Face, time: float) -> None:
        track = face.track or 0
        self._shown.setdefault(track, Counter())[face.expression] += 1
        first, _ = self._span.setdefault(track, (time, time))
        self._span[track] = (first, time)
