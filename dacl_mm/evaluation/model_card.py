"""Tables of a model's card, from what tests and ``tools/ship.py`` have measured."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dacl_mm.errors import MissingFileError, UserError

from .robustness.results import curve

#: Files of ``tools/test.py --out FILE --out-item card``, and how they predict.
TESTS = {
    'plain.json': 'one view',
    'views.json': 'ten views (`--tta`)',
    'adjusted.json': 'one view, logit adjustment',
    'views_adjusted.json': 'ten views, logit adjustment',
}
#: What the first table shows of each, votes where there are any.
MEASURES = {
    'fer/mean_class_accuracy': 'mean-class accuracy',
    'fer/f1_macro': 'macro F1',
    'fer/ece': 'calibration error',
    'fer/vote_nll': 'NLL of the votes (nats)',
    'fer/entropy_correlation': "rank correlation of entropy with the votes'",
}
BLOCK = re.compile(r'(<!-- table: (\w+) -->\n).*?(<!-- end -->)', re.DOTALL)
Row = Sequence[object]


def fill_card(text: str, folder: Path) -> str:
    """Replace what stands between ``<!-- table: NAME -->`` and ``<!-- end -->`` by the tables.

    Args:
        text: The card.
        folder: Of the measured numbers.

    Raises:
        UserError: If a file is missing, a name unknown, or the card has no such place.
    """

    def filled(place: re.Match[str]) -> str:
        if place[2] not in TABLES:
            raise UserError(f'the card asks for a table {place[2]}; there are {", ".join(TABLES)}')
        return f'{place[1]}{TABLES[place[2]](folder)}\n{place[3]}'

    card, count = BLOCK.subn(filled, text)
    if not count:
        raise UserError('the card has no place for a table: write <!-- table: accuracy --> and <!-- end -->')
    return card


def _read(folder: Path, name: str) -> Any:
    try:
        return json.loads((folder / name).read_text())
    except FileNotFoundError:
        raise MissingFileError(f'{folder} has no {name}, which the card shows') from None
    except ValueError as error:
        raise UserError(f'{folder / name} is no JSON: {error}') from error


def _table(head: Row, rows: Sequence[Row]) -> str:
    def cell(value: object) -> str:
        return f'{value:.2f}' if isinstance(value, float) else f'{value}'

    return '\n'.join(f'| {" | ".join(map(cell, row))} |' for row in (head, ['---'] * len(head), *rows))


def _interval(accuracy: float, images: int) -> str:
    """Return Wilson's 95 % interval of an accuracy in percent."""
    from scipy.stats import binomtest

    found = binomtest(round(accuracy * images / 100), images).proportion_ci(method='wilson')
    return f'{100 * found.low:.2f} to {100 * found.high:.2f}'


def _confusion(folder: Path) -> tuple[list[str], np.ndarray]:
    found = _read(folder, 'plain.json')['confusion']
    return found['classes'], np.array(found['counts'])


def _accuracy(folder: Path) -> str:
    images, tests = int(_confusion(folder)[1].sum()), {file: _read(folder, file) for file in TESTS}
    shown = {key: name for key, name in MEASURES.items() if all(key in its for its in tests.values())}
    rows: list[Row] = []
    for file, its in tests.items():
        strength, top1 = its.get('logit_adjustment/strength'), its['accuracy/top1']
        name = TESTS[file] if strength is None else f'{TESTS[file]} of {strength:g}'
        rows.append((name, top1, _interval(top1, images), *(its[key] for key in shown)))
    return _table(('prediction', 'accuracy', '95 % interval', *shown.values()), rows)


def _recall(folder: Path) -> str:
    classes, counts = _confusion(folder)
    tests = [_read(folder, file) for file in TESTS]
    head = ('expression', 'images', *TESTS.values())
    return _table(
        head,
        [
            (name, int(count), *(test[f'fer/recall/{name}'] for test in tests))
            for name, count in zip(classes, counts.sum(1))
        ],
    )


def _counts(folder: Path) -> str:
    classes, counts = _confusion(folder)
    return _table(('is \\ named', *classes), [(name, *row) for name, row in zip(classes, counts.tolist())])


def _calibration(folder: Path) -> str:
    held, test = _read(folder, 'held_out.json'), _read(folder, 'plain.json')
    rows = [
        (
            'held out, which chose',
            held['images'],
            *(100 * held[key] for key in ('ece_before', 'ece', 'coverage', 'sure_accuracy')),
        ),
        (
            'PublicTest',
            int(_confusion(folder)[1].sum()),
            test['fer/ece'],
            *(test[f'calibrated/{key}'] for key in ('ece', 'coverage', 'sure_accuracy')),
        ),
    ]
    head = ('part', 'images', 'calibration error', f'at temperature {held["temperature"]:.3f}')
    sure = f'confidence of {held["unsure"]:.3f} or more'
    return _table((*head, f'share with {sure}', 'accuracy of these'), rows)


def _robustness(folder: Path) -> str:
    found = _read(folder, 'robustness.json')
    rows: list[Row] = []
    for kind, its in found['corruptions'].items():
        amounts = ', '.join(f'{amount:g}' for amount in its['amounts'])
        values = curve(found, kind, 'accuracy/top1')
        mean_class = float(np.mean(curve(found, kind, 'fer/mean_class_accuracy')[1:]))
        rows.append(
            (f'{kind} ({amounts} {its["unit"]})', *values[1:], float(np.mean(values[1:])), mean_class)
        )
    strengths = [f'strength {strength}' for strength in found['strengths']]
    return _table(('accuracy', *strengths, 'mean', 'mean-class accuracy, mean'), rows)


TABLES = dict(
    accuracy=_accuracy,
    recall=_recall,
    confusion=_counts,
    calibration=_calibration,
    robustness=_robustness,
)
