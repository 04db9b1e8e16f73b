"""What methods lose on corrupted images, over their seeds."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dacl_mm.comparison.analysis.results import ProtocolResults
from dacl_mm.comparison.analysis.tables import write_csv
from dacl_mm.comparison.plan.records import read_json
from dacl_mm.engine.robustness import FILE
from dacl_mm.evaluation.robustness.results import METRICS, axes, curve, means
from dacl_mm.visualization.robustness import draw_strengths

ACCURACY = 'accuracy/top1'
#: Every test on corrupted images of a comparison, and its metrics as results.csv calls them.
CSV = 'robustness.csv'
COLUMNS = {'accuracy': ACCURACY, 'mean_class_accuracy': 'fer/mean_class_accuracy'}


def read_robustness(results: ProtocolResults) -> dict[str, list[dict[str, Any]]]:
    """Return method -> what was found on corrupted images, run by run; methods without are left out."""
    read = {m: [read_json(run.run.folder / FILE) for run in results.runs(m)] for m in results.present}
    found = {method: [row for row in rows if row is not None] for method, rows in read.items()}
    return {method: rows for method, rows in found.items() if rows}


def write_robustness(protocols: Sequence[ProtocolResults], folder: Path) -> None:
    """Write robustness.csv, a row for each run, kind and strength (0: clean images); metrics in percent.

    Where no run has been tested on corrupted images there is no such file.
    """
    if rows := [row for results in protocols for row in _rows(results)]:
        write_csv(rows, folder / CSV)
    else:
        (folder / CSV).unlink(missing_ok=True)


def _rows(results: ProtocolResults) -> Iterator[dict[str, Any]]:
    for method in results.present:
        for finished in results.runs(method):
            if (found := read_json(finished.run.folder / FILE)) is None:
                continue
            seed = finished.result['seed']
            run = dict(protocol=results.protocol, method=method, seed=seed, kind='clean', strength=0)
            yield run | _metrics(found['clean'])
            for kind, tested in found['corruptions'].items():
                for strength, amount, row in zip(found['strengths'], tested['amounts'], tested['metrics']):
                    its = dict(kind=kind, strength=strength, amount=amount, unit=tested['unit'])
                    yield run | its | _metrics(row)


def _metrics(row: Mapping[str, float]) -> dict[str, float]:
    return {column: row[key] for column, key in COLUMNS.items()}


def robustness_tables(found: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Return metric -> method -> ``seeds``, ``clean``, ``kinds`` (mean over strengths), ``all``, ``share``.

    Numbers are means over seeds in percent; ``share`` is that of ``all`` in ``clean``.
    """
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for key, name in METRICS.items():
        rows = tables[name] = {}
        for method, runs in found.items():
            each = [means(run, key) for run in runs]
            clean = float(np.mean([run['clean'][key] for run in runs]))
            kinds = {kind: float(np.mean([values[kind] for values in each])) for kind in each[0]}
            overall = float(np.mean(list(kinds.values())))
            share = 100 * overall / max(clean, 1e-9)
            rows[method] = dict(seeds=len(runs), clean=clean, kinds=kinds, all=overall, share=share)
    return tables


def robustness_figure(found: dict[str, list[dict[str, Any]]]) -> Figure | None:
    """Draw the accuracy of each method over the strengths; None without such tests."""
    if not found:
        return None
    kinds = axes(next(iter(found.values()))[0])
    lines = {
        method: {kind: np.array([curve(run, kind, ACCURACY) for run in runs]) for kind in kinds}
        for method, runs in found.items()
    }
    return draw_strengths(kinds, lines, 'accuracy, %')
