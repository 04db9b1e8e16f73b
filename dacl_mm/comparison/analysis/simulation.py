"""Whether the statistics hold, by repeated experiments of which the truth is known.

``python -m dacl_mm.comparison.analysis.simulation`` prints the table of docs/compare.md.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy import special

from .intervals import LEVEL, half_width, method_interval
from .strata import METRICS, rates, strata
from .variance import variance_parts

#: Test images of RAF-DB's classes, and a share of each that is named rightly.
SIZES = np.array([680, 1185, 478, 329, 74, 162, 160])
RECALL = np.array([0.85, 0.94, 0.82, 0.84, 0.50, 0.75, 0.55])
METHODS = 8
SEEDS = (1, 2, 3, 5, 10)


class Scenario(NamedTuple):
    """What makes methods that are equally good differ: sizes beside the images' difficulty of 1.

    Attributes:
        name: What dominates.
        seed: Of a training, on each class.
        image: Of a method, on each image.
        noise: Of a single prediction.
    """

    name: str
    seed: float
    image: float
    noise: float


SCENARIOS = (
    Scenario('seeds', 0.3, 0.0, 0.3),
    Scenario('images', 0.0, 0.8, 0.2),
    Scenario('both alike', 0.1, 0.5, 0.1),
    Scenario('single predictions', 0.0, 0.0, 0.6),
    Scenario('as measured on FER+', 0.09, 0.13, 0.48),
)


class Estimate(NamedTuple):
    """A share in percent, and its standard error over the experiments."""

    share: float
    error: float

    def __str__(self) -> str:
        return f'{self.share:.1f} ± {self.error:.1f}'


@dataclass(frozen=True)
class Row:
    """What held in a scenario.

    Attributes:
        scenario: Of :data:`SCENARIOS`.
        seeds: Of each method.
        family_wise: Experiments in which any pair was separated in any metric; None for
            one seed, which separates nothing.
        difference: Coverage of the pairs' intervals, by metric.
        method: Coverage of the methods' intervals, by metric.
    """

    scenario: Scenario
    seeds: int
    family_wise: Estimate | None
    difference: dict[str, Estimate]
    method: dict[str, Estimate]


def draw(scenario: Scenario, seeds: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw an experiment: trainings of methods that are equally good, and a test split.

    Args:
        scenario: Its effects.
        seeds: S.
        rng: What draws.

    Returns:
        Whether each prediction was right, (M, S, N), and the true recall of each
        network, (M, S, K).
    """
    label = np.repeat(np.arange(len(SIZES)), SIZES)
    within = 1 + scenario.image**2 + scenario.noise**2  # variance beside the seed's effect
    skill = special.ndtri(RECALL) * np.sqrt(within + scenario.seed**2)
    network = skill + scenario.seed * rng.standard_normal((METHODS, seeds, len(SIZES)))  # (M, S, K)

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, np.float32)

    image = normal(len(label)) + np.float32(scenario.image) * normal(METHODS, 1, len(label))
    noise = np.float32(scenario.noise) * normal(METHODS, seeds, len(label))
    correct = image + noise > -network[..., label].astype(np.float32)
    return correct, special.ndtr(network / np.sqrt(within))


def experiment(scenario: Scenario, seeds: int, rng: np.random.Generator) -> Iterator[tuple[str, str, float]]:
    """Yield what one experiment says: metric, measure, and the share for which it held."""
    correct, recall = draw(scenario, seeds, rng)
    label = np.repeat(np.arange(len(SIZES)), SIZES)
    pairs = np.array(list(combinations(range(METHODS), 2))).T  # (2, P)
    for metric in METRICS:
        stratum = strata(label, metric)
        size = np.bincount(stratum)
        weight = SIZES / SIZES.sum() if metric == 'accuracy' else np.full(len(SIZES), 1 / len(SIZES))
        # Several seeds speak of the method, one of its network alone.
        truth = 100 * (recall[:, 0] if seeds == 1 else np.tile(RECALL, (METHODS, 1))) @ weight  # (M,)
        outcome = correct.astype(np.float32)
        parts = variance_parts(outcome[pairs[0]] - outcome[pairs[1]], stratum)
        away = np.abs(parts.by_seed.mean(-1) - (truth[pairs[0]] - truth[pairs[1]]))
        yield metric, 'difference', np.mean(away <= half_width(parts.seeds, parts.images, seeds))
        # Holm's method separates any pair exactly where Bonferroni's does.
        alpha = (1 - LEVEL) / (len(METRICS) * len(pairs.T))
        yield metric, 'separated', float(np.any(away > half_width(parts.seeds, parts.images, seeds, alpha)))
        found = [method_interval(rate, size) for rate in rates(correct, stratum)]
        yield metric, 'method', np.mean([i.low <= x <= i.high for i, x in zip(found, truth, strict=True)])


def simulate(scenario: Scenario, seeds: int, repetitions: int, seed: int = 0) -> Row:
    """Repeat an experiment and return how often each statement held.

    Args:
        scenario: What dominates.
        seeds: Of each method.
        repetitions: Experiments.
        seed: Of the simulation.
    """
    rng = np.random.default_rng(seed)
    held: dict[tuple[str, str], list[float]] = {}
    for _ in range(repetitions):
        for metric, measure, share in experiment(scenario, seeds, rng):
            held.setdefault((metric, measure), []).append(share)

    def estimate(values: Sequence[float]) -> Estimate:
        return Estimate(100 * float(np.mean(values)), 100 * float(np.std(values)) / repetitions**0.5)

    wrong = np.any([held[metric, 'separated'] for metric in METRICS], 0)
    return Row(
        scenario,
        seeds,
        estimate(wrong) if seeds > 1 else None,
        {metric: estimate(held[metric, 'difference']) for metric in METRICS},
        {metric: estimate(held[metric, 'method']) for metric in METRICS},
    )


def table(rows: Sequence[Row]) -> str:
    """Return the rows as Markdown."""
    names = ['accuracy', 'mean-class accuracy']
    head = ['what dominates', 'seeds', 'any false "beats"']
    head += [f'difference, {name}' for name in names] + [f'method, {name}' for name in names]
    lines = [head, ['---'] * len(head)]
    for row in rows:
        lines.append([row.scenario.name, str(row.seeds), str(row.family_wise or '-')])
        lines[-1] += map(str, [*row.difference.values(), *row.method.values()])
    return '\n'.join(f'| {" | ".join(line)} |' for line in lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description='Check by simulation that the statistics hold')
    parser.add_argument(
        '--repetitions', type=int, default=2000, help='experiments in each row (default: 2000)'
    )
    repetitions = parser.parse_args().repetitions
    print(table([simulate(scenario, seeds, repetitions) for scenario in SCENARIOS for seeds in SEEDS]))


if __name__ == '__main__':
    main()
