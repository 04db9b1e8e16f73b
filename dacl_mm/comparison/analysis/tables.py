"""Numbers of a comparison as CSV and JSON."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dacl_mm.comparison.plan.records import write_json
from dacl_mm.files import write_atomic
from dacl_mm.text import csv_cell

from . import strata
from .advice import in_words
from .intervals import method_interval
from .results import COSTS, Finished, ProtocolResults

METRICS = {
    'accuracy': 'accuracy',
    'mean_class_accuracy': 'mean-class accuracy',
    'f1_macro': 'macro F1',
    'ece': 'calibration error',
}
#: What tests say of votes, where there are any.
OF_VOTES = ('vote_nll', 'entropy_correlation')


def run_row(finished: Finished) -> dict[str, Any]:
    """Return one run as a flat row; metrics in percent."""
    result = finished.result
    row = {key: result[key] for key in ('protocol', 'method', 'seed', 'selected_epoch')}
    epochs = [validation['epoch'] for validation in result['validation']]
    row['selection_metric'] = finished.selection_metric
    row['selection_value'] = float(finished.selection_values[epochs.index(result['selected_epoch'])])
    row |= {metric: finished.metric(metric) for metric in METRICS}
    row |= {f'recall_{name}': result['metrics'].get(f'fer/recall/{name}') for name in result['classes']}
    row |= {name: result['metrics'][key] for name in OF_VOTES if (key := f'fer/{name}') in result['metrics']}
    row['intra_class_distance'], row['inter_class_distance'] = finished.distances
    return row | {key: result[key] for key in COSTS}


def summary(results: ProtocolResults, method: str) -> dict[str, Any]:
    """Return a method's means, spreads and intervals over seeds, in percent, and its costs."""
    runs = results.runs(method)
    found: dict[str, Any] = dict(protocol=results.protocol, method=method, seeds=len(runs))
    for metric in METRICS:
        values = results.values(method, metric)
        found[metric] = dict(
            mean=float(np.mean(values)), std=float(np.std(values, ddof=1)) if len(values) > 1 else None
        )
        if metric in strata.METRICS:
            stratum = strata.strata(runs[0].label, metric)
            rate = strata.rates(np.stack([run.correct for run in runs]), stratum)
            low, high, clipped = method_interval(rate, np.bincount(stratum))
            found[metric] |= dict(interval=(low, high), clipped=clipped)
    for key in COSTS:
        found[key] = float(np.median([run.result[key] for run in runs]))
    return found


def as_dict(protocols: Sequence[ProtocolResults], facts: dict[str, Any]) -> dict[str, Any]:
    """Return everything results.json holds."""
    return dict(
        **facts,
        methods=[summary(results, method) for results in protocols for method in results.present],
        differences=[
            {**vars(d), 'protocol': results.protocol, 'in_words': in_words(d)}
            for results in protocols
            if results.present
            for pairs in results.differences.values()
            for d in pairs
        ],
        runs=[
            {**run_row(run), 'validation': run.result['validation'], 'attention': run.result['attention']}
            for results in protocols
            for method in results.present
            for run in results.runs(method)
        ],
        failed=[
            dict(protocol=results.protocol, method=method, seed=seed, **how)
            for results in protocols
            for method, seeds in results.failed.items()
            for seed, how in seeds.items()
        ],
    )


def write_tables(protocols: Sequence[ProtocolResults], facts: dict[str, Any], folder: Path) -> None:
    """Write results.csv and results.json.

    The first has a row for each run; those that do not count say why in ``failed``.
    """
    rows = [run_row(run) for results in protocols for m in results.present for run in results.runs(m)]
    rows += [
        dict(protocol=results.protocol, method=method, seed=seed, failed=how['log_end'])
        for results in protocols
        for method, seeds in results.failed.items()
        for seed, how in seeds.items()
    ]
    write_csv(rows, folder / 'results.csv')
    write_json(as_dict(protocols, facts), folder / 'results.json')


def write_csv(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write rows with the columns of all of them, in the order in which they first come."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows({key: csv_cell(value) for key, value in row.items()} for row in rows)
    write_atomic(text.getvalue().encode(), path)
