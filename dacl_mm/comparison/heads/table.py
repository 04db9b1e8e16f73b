"""What the heads' results say."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from dacl_mm.comparison.analysis.pairs import Difference, adjust, compare_pair
from dacl_mm.comparison.analysis.strata import METRICS, rates, strata
from dacl_mm.comparison.plan.records import write_json
from dacl_mm.files import write_atomic

Results = Mapping[str, np.ndarray]  # method -> whether each image was right, (S, N)
Spreads = Mapping[str, Sequence[float | None]]  # method -> spread of A of each seed


def values(results: Results, label: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Return method -> metric -> percent of each seed, (S,)."""
    found = {}
    for name, right in results.items():
        found[name] = {m: 100 * rates(right, strata(label, m)).mean(-1) for m in METRICS}
    return found


def differences(results: Results, label: np.ndarray, reference: str) -> list[Difference]:
    """Return every head minus the reference in both metrics, in points; p-values corrected together."""
    others = [name for name in results if name != reference]
    return adjust(
        [
            compare_pair((name, reference), (results[name], results[reference]), label, metric)
            for name in others
            for metric in METRICS
        ]
    )


def write_results(results: Results, spread: Spreads, label: np.ndarray, reference: str, folder: Path) -> None:
    """Write heads.csv, one row for each head and seed, and heads.json with the differences."""
    found = values(results, label)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(['method', 'seed', *METRICS, 'attention_spread'])
    for name, by_metric in found.items():
        for seed in range(len(results[name])):
            row = [float(by_metric[metric][seed]) for metric in METRICS]
            writer.writerow([name, seed, *row, spread[name][seed]])
    write_atomic(text.getvalue().encode(), folder / 'heads.csv')
    rows = [asdict(difference) for difference in differences(results, label, reference)]
    write_json(dict(reference=reference, differences=rows), folder / 'heads.json')


def print_table(results: Results, spread: Spreads, label: np.ndarray, reference: str) -> None:
    """Print means over seeds, and the differences with their p-values."""
    found = values(results, label)
    pairs = {(d.a, d.metric): d for d in differences(results, label, reference)}
    table = Table(title=f'{len(label)} validation images, {len(results[reference])} seeds')
    table.add_column('head', no_wrap=True)
    for metric in METRICS:
        table.add_column(metric.replace('_', ' '), justify='right')
        table.add_column(f'minus {reference}', justify='right')
        table.add_column('p (Holm)', justify='right')
    table.add_column('spread of A', justify='right')
    for name, by_metric in found.items():
        cells = [name]
        for metric in METRICS:
            cells.append(f'{by_metric[metric].mean():.2f}')
            d = pairs.get((name, metric))
            cells += (
                [f'{d.mean:+.2f} [{d.low:+.2f}, {d.high:+.2f}]', f'{d.p_adjusted:.3f}'] if d else ['', '']
            )
        known = [value for value in spread[name] if value is not None]
        table.add_row(*cells, f'{100 * np.mean(known):.1f} %' if known else '')
    Console(width=64 + 48 * len(METRICS)).print(table)
