"""What one server answers at most, and what it says where it does not."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How much is taken, and from whom.

    Args:
        megabytes: Most 10^6 bytes of an image file, and of a frame.
        megapixels: Most 10^6 pixels of an image, by its header.
        rate: Photographs and new streams a second from one address; a second's worth may come at once.
        waiting: Photographs that wait for the model; more are sent away.
        streams: Webcam streams at a time.
        fps: Frames a second that a stream is answered.
        seconds: Longest time for a photograph to arrive, and then to be answered.
        idle: Seconds without a frame after which a stream is closed.
        connections: Open connections of all kinds.
    """

    megabytes: float = 10
    megapixels: float = 40
    rate: float = 10
    waiting: int = 8
    streams: int = 8
    fps: float = 30
    seconds: float = 10
    idle: float = 60
    connections: int = 100

    @property
    def bytes(self) -> int:
        """Most bytes of an image file."""
        return int(self.megabytes * 1e6)

    @property
    def pixels(self) -> int:
        """Most pixels of an image."""
        return int(self.megapixels * 1e6)


class Refusal(Exception):
    """A request that is not answered, by its sender's or the server's fault.

    Args:
        status: HTTP status, 4xx or 503.
        reason: What is wrong, and what would be right.
        retry: Seconds after which the same may be tried again, where that helps.
    """

    def __init__(self, status: int, reason: str, retry: float | None = None):
        super().__init__(reason)
        self.status, self.reason, self.retry = status, reason, retry
