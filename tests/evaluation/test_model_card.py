"""The tables of a model's card."""

import json

import numpy as np
import pytest
from conftest import REPO, run_tool

from dacl_mm.errors import UserError
from dacl_mm.evaluation import CalibratedMetric
from dacl_mm.evaluation.model_card import TABLES, TESTS, fill_card

COUNTS = [[40, 10], [5, 25]]
PLAIN = {
    'accuracy/top1': 81.25,
    'fer/mean_class_accuracy': 81.667,
    'fer/f1_macro': 80.6,
    'fer/ece': 7.125,
    'fer/vote_nll': 0.75,
    'fer/recall/happy': 80.0,
    'fer/recall/fear': 83.333,
    'calibrated/ece': 2.5,
    'calibrated/coverage': 70.0,
    'calibrated/sure_accuracy': 92.0,
    'confusion': dict(classes=['happy', 'fear'], counts=COUNTS),
}
HELD = dict(images=50, ece_before=0.08, ece=0.02, temperature=0.65, unsure=0.5, coverage=0.75)
CARD = ''.join(f'before\n<!-- table: {name} -->\nold\n<!-- end -->\n' for name in TABLES)


@pytest.fixture
def folder(tmp_path):
    for name in TESTS:
        more = {'logit_adjustment/strength': 0.35} if 'adjusted' in name else {}
        (tmp_path / name).write_text(json.dumps(PLAIN | more))
    (tmp_path / 'held_out.json').write_text(json.dumps(HELD | dict(sure_accuracy=0.9)))
    metrics = [{'accuracy/top1': 60.0 - i, 'fer/mean_class_accuracy': 50.0} for i in range(2)]
    kinds = dict(blur=dict(unit='px', amounts=[1, 2.5], metrics=metrics))
    found = dict(clean=PLAIN, strengths=[1, 2], corruptions=kinds)
    (tmp_path / 'robustness.json').write_text(json.dumps(found))
    return tmp_path


def test_the_command_writes_what_was_measured(folder, tmp_path):
    path = tmp_path / 'README.md'
    path.write_text(CARD)
    run_tool('model_card', path, folder)
    card = path.read_text()
    assert 'old' not in card and card.count('before\n') == len(TABLES)
    # Wilson: (k + z^2/2)/(n + z^2) -+ z/(n + z^2) sqrt(k(n-k)/n + z^2/4), 65 of 80
    z, k, n = 1.959963985, 65, 80
    half = z * np.sqrt(k * (n - k) / n + z * z / 4) / (n + z * z)
    low, high = (100 * ((k + z * z / 2) / (n + z * z) + sign * half) for sign in (-1, 1))
    assert f'| one view | 81.25 | {low:.2f} to {high:.2f} | 81.67 | 80.60 | 7.12 | 0.75 |' in card
    assert 'macro F1 | calibration error | NLL of the votes (nats) |\n' in card
    assert '| ten views, logit adjustment of 0.35 | 81.25 |' in card
    assert '| fear | 30 | 83.33 |' in card and '| happy | 40 | 10 |' in card
    assert '| held out, which chose | 50 | 8.00 | 2.00 | 75.00 | 90.00 |' in card
    assert '| PublicTest | 80 | 7.12 | 2.50 | 70.00 | 92.00 |' in card
    assert '| blur (1, 2.5 px) | 60.00 | 59.00 | 59.50 | 50.00 |' in card
    assert fill_card(card, folder) == card


@pytest.mark.parametrize(
    ('card', 'message'),
    [
        ('no place', 'no place for a table'),
        ('<!-- table: speed -->\n<!-- end -->', 'asks for a table speed; there are accuracy'),
        ('<!-- table: robustness -->\n<!-- end -->', 'has no robustness.json'),
    ],
)
def test_what_is_missing_is_named(folder, card, message):
    (folder / 'robustness.json').unlink()
    with pytest.raises(UserError, match=message):
        fill_card(card, folder)


def test_the_card_that_ships_shows_what_is_in_the_results():
    path, folder = REPO / 'dacl_mm/weights/README.md', REPO / 'docs/results/fer_r18h'
    assert fill_card(path.read_text(), folder) == path.read_text()


def test_calibration_with_temperature_and_threshold():
    logits = np.random.default_rng(0).normal(size=(200, 3)) * 2
    label = logits.argmax(1) * (np.arange(200) % 4 > 0)
    log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    metric = CalibratedMetric(temperature=2.0, unsure=0.6)
    values = metric.compute_metrics(
        [(np.exp(row).astype(np.float32), int(y)) for row, y in zip(log_p, label)]
    )
    p = np.exp(logits / 2) / np.exp(logits / 2).sum(1, keepdims=True)
    sure, right = p.max(1) >= 0.6, p.argmax(1) == label
    gaps = [np.abs((p.max(1) - right)[np.ceil(p.max(1) * 15) == b].sum()) for b in range(1, 16)]
    assert values['ece'] == pytest.approx(100 * sum(gaps) / 200, abs=1e-4)
    assert values['coverage'] == 100 * sure.mean() and 0 < sure.mean() < 1
    assert values['sure_accuracy'] == 100 * right[sure].mean()
    assert 'sure_accuracy' not in CalibratedMetric(1.0, 1.1).compute_metrics([(p[0], 0)])
