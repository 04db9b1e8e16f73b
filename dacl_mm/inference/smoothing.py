"""Probabilities over time: a moving average whose weights follow the clock."""

from collections.abc import Mapping
from math import exp

#: Seconds after which a reading weighs 1/e of what it did.
SECONDS = 0.3


class Smoother:
    """Averages the probabilities of each track exponentially over time.

    ``s(t) = s(t') + (1 - exp(-(t - t') / T)) (p(t) - s(t'))``: frames may come at any intervals. A track
    begins with its first reading.

    Args:
        seconds: T, the time constant; 0 smooths nothing.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self._state: dict[int, tuple[float, dict[str, float]]] = {}  # track -> time, average

    def __call__(self, track: int, time: float, reading: Mapping[str, float]) -> dict[str, float]:
        """Return the average of a track after a reading.

        Args:
            track: Its number.
            time: Seconds.
            reading: Class -> probability.
        """
        average = dict(reading)
        if track in self._state and self.seconds > 0:
            before, last = self._state[track]
            weight = 1 - exp(-max(time - before, 0.0) / self.seconds)
            average = {name: last[name] + weight * (p - last[name]) for name, p in reading.items()}
        self._state[track] = (time, average)
        return average

    def forget(self, before: float) -> None:
        """Forget the tracks that have no reading since a time."""
        self._state = {track: state for track, state in self._state.items() if state[0] >= before}
