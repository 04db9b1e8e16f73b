"""Score predictions of any program: python tools/score.py LABELS.csv PREDICTIONS.csv ..."""

import argparse
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from dacl_mm.comparison.analysis.pairs import Difference, adjust, compare_pair
from dacl_mm.comparison.analysis.prediction_files import Labels, Score, read_labels, score
from dacl_mm.comparison.analysis.strata import METRICS
from dacl_mm.comparison.plan.records import write_json
from dacl_mm.errors import UserError


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description='Score predictions of this or any other program on labelled images, and compare them '
        'with the first'
    )
    parser.add_argument('labels', type=Path, help='.csv of file and expression')
    parser.add_argument(
        'predictions',
        type=Path,
        nargs='+',
        help='.csv with the file and one column of probabilities a class, as tools/predict.py writes',
    )
    parser.add_argument('--out', type=Path, help='.json of everything')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    labels = read_labels(args.labels)
    scores: dict[str, Score] = {}
    for path in args.predictions:
        if path.stem in scores:
            raise UserError(f'two files are named {path.stem}: rename one, the tables go by it')
        scores[path.stem] = score(path, labels)
    first, *others = scores
    differences = adjust(
        [
            compare_pair(
                (first, name), (scores[first].right[None], scores[name].right[None]), labels.label, m
            )
            for name in others
            for m in METRICS
        ]
    )
    print_tables(scores, differences, labels)
    if args.out:
        found = {name: {k: v for k, v in asdict(s).items() if k != 'right'} for name, s in scores.items()}
        write_json(dict(scores=found, differences=[asdict(d) for d in differences]), args.out)


def print_tables(scores: Mapping[str, Score], differences: list[Difference], labels: Labels) -> None:
    """Print values with their intervals over the images, and how far the first is above the others."""
    pairs = {(d.b, d.metric): d for d in differences}
    first = next(iter(scores))
    table = Table(title=f'{len(labels.label)} images, in %')
    for column in ('predictions', *METRICS, *labels.classes, 'calibration error', 'without prediction'):
        table.add_column(column.replace('_', ' '), justify='left' if column == 'predictions' else 'right')
    for metric in METRICS if differences else ():
        table.add_column(f'{first} minus it, {metric.replace("_", " ")}', justify='right')
    for name, one in scores.items():
        cells = [name]
        cells += [
            f'{one.mean[m]:.1f} [{one.interval[m].low:.1f}, {one.interval[m].high:.1f}]' for m in METRICS
        ]
        cells += [f'{value:.1f}' for value in one.recall.values()]
        cells += [f'{one.calibration_error:.1f}', str(one.missing)]
        for metric in METRICS if differences else ():
            d = pairs.get((name, metric))
            cells.append(f'{d.mean:+.1f} [{d.low:+.1f}, {d.high:+.1f}]' if d else '')
        table.add_row(*cells)
    Console(width=280).print(table)
