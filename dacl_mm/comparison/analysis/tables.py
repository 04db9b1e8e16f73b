"""Numbers of a comparison as CSV and JSON."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dacl_mm.files import write_atomic

from . import strata
from .advice import in_words
from .intervals import method_interval
from .results import Column, Finished

METRICS = {
    'accuracy': 'accuracy',
    'mean_class_accuracy': 'mean-class accuracy',
    'f1_macro': 'macro F1',
    'ece': 'calibration error',
}
COSTS = (
    'train_parameters',
    'deploy_parameters',
    'deploy_flops',
    'images_per_second',
    'seconds_per_epoch',
    'peak_memory',
)


def run_row(finished: Finished) -> dict:
    """Return one run as a flat row; metrics in percent."""
    result = finished.result
    row = {key: result[key] for key in ('protocol', 'method', 'seed', 'selected_epoch')}
    selected = next(v for v in result['validation'] if v['epoch'] == result['selected_epoch'])
    row['selection_accuracy'] = selected['accuracy/top1']
    row |= {metric: finished.metric(metric) for metric in METRICS}
    row |= {f'recall_{name}': result['metrics'].get(f'fer/recall/{name}') for name in result['classes']}
    row['intra_class_distance'], row['inter_class_distance'] = finished.distances
    return row | {key: result[key] for key in COSTS}


def summary(column: Column, method: str) -> dict:
    """Return a method's means, spreads and intervals over seeds, in percent, and its costs."""
    runs = column.runs(method)
    found: dict = dict(protocol=column.protocol, method=method, seeds=len(runs))
    for metric in METRICS:
        values = column.values(method, metric)
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


def as_dict(columns: Sequence[Column], facts: dict) -> dict:
    """Return everything results.json holds."""
    return dict(
        **facts,
        methods=[summary(column, method) for column in columns for method in column.present],
        differences=[
            {**vars(d), 'protocol': column.protocol, 'in_words': in_words(d)}
            for column in columns
            if column.present
            for pairs in column.differences.values()
            for d in pairs
        ],
        runs=[
            {**run_row(run), 'validation': run.result['validation'], 'attention': run.result['attention']}
            for column in columns
            for method in column.present
            for run in column.runs(method)
        ],
        failed=[
            dict(protocol=column.protocol, method=method, seed=seed, **how)
            for column in columns
            for method, seeds in column.failed.items()
            for seed, how in seeds.items()
        ],
    )


def write_tables(columns: Sequence[Column], facts: dict, folder: Path) -> None:
    """Write results.csv (a row for each run) and results.json."""
    rows = [run_row(run) for column in columns for m in column.present for run in column.runs(m)]
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, list(dict.fromkeys(key for row in rows for key in row)))
        writer.writeheader()
        writer.writerows(rows)
    write_atomic(text.getvalue().encode(), folder / 'results.csv')
    write_atomic(json.dumps(as_dict(columns, facts), indent=1).encode(), folder / 'results.json')
