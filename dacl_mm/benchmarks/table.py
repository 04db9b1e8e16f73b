"""Rows of measurements, and how they are printed and kept."""

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEADER = f'{"":44}{"median":>10}  {"quartiles":^21}  {"unit":10}{"limit":18}{"best":>10}{"share":>7}'


@dataclass(frozen=True)
class Row:
    """One measurement of each round.

    Args:
        name: What was measured.
        values: One number a round.
        unit: Of the values; '' for ratios.
        limit: What it waits for most: arithmetic, memory bandwidth, input or Python.
        best: The roofline's best possible, in the unit.
    """

    name: str
    values: Sequence[float]
    unit: str = ''
    limit: str | None = None
    best: float | None = None

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def share(self) -> float | None:
        """How much of the best possible is reached, in (0, 1] but for errors of measurement."""
        if self.best is None:
            return None
        return self.median / self.best if self.unit.endswith('/s') else self.best / self.median

    def summary(self) -> dict[str, Any]:
        """Return everything as plain types."""
        low, _, high = quartiles(self.values)
        return asdict(self) | dict(median=self.median, quartiles=[low, high], share=self.share)

    def __str__(self) -> str:
        low, middle, high = quartiles(self.values)
        best = '' if self.best is None else f'{self.best:.4g}'
        share = '' if self.share is None else f'{100 * self.share:.0f} %'
        return (
            f'{self.name:44}{middle:10.4g}  {low:>9.4g} to {high:<9.4g}  {self.unit:10}'
            f'{self.limit or "":18}{best:>10}{share:>7}'
        ).rstrip()


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile; a single value is all three."""
    if len(values) == 1:
        return (values[0],) * 3
    low, middle, high = statistics.quantiles(values, n=4, method='inclusive')
    return low, middle, high


def ratio(name: str, over: Row, under: Row) -> Row:
    """Return the ratios of two rows, round by round."""
    return Row(name, [a / b for a, b in zip(over.values, under.values, strict=True)])
