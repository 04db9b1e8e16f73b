"""Tables and log lines for people."""

import json
import re
from pathlib import Path

import pytest
from mmengine.config import Config
from small_runner import make_runner

from dacl_mm.config import selection_metric
from dacl_mm.engine.hooks.report import best_row, metric_table, recall_line
from dacl_mm.errors import UserError

NAN = float('nan')


def test_a_table_has_the_known_metrics_by_name_and_the_others_by_key():
    columns = {
        'best (epoch 2)': {'epoch': 2, 'fer/ece': 3.0, 'accuracy/top1': 51.234, 'fer/recall/fear': NAN},
        'last (epoch 3)': {'epoch': 3, 'accuracy/top1': 50.0, 'fer/recall/fear': 12.5, 'my/own': 1.0},
    }
    lines = [re.split(r'\s{2,}', line.strip()) for line in metric_table(columns).splitlines()]
    assert lines == [
        ['best (epoch 2)', 'last (epoch 3)'],
        ['accuracy', '51.23', '50.00'],
        ['calibration error', '3.00', '-'],
        ['recall: fear', 'nan', '12.50'],
        ['my/own', '-', '1.00'],
    ]
    assert len({len(line) for line in metric_table(columns).splitlines()}) == 1


def test_recalls_stand_below_their_classes():
    head, values = recall_line(
        {'accuracy/top1': 1.0, 'fer/recall/fear': 5.0, 'fer/recall/happiness': 100.0}
    ).splitlines()
    assert head.split() == ['fear', 'happiness'] and values.split() == ['5.00', '100.00']
    assert head.index('fear') + 4 == values.index('5.00') + 4 and len(head) == len(values)


def test_the_best_row_is_never_one_without_a_number():
    rows = [
        dict(epoch=1, a=NAN),
        dict(epoch=2, a=1.0),
        dict(epoch=3, a=NAN),
        dict(epoch=4, a=1.0),
        dict(epoch=5),
    ]
    assert best_row(rows, 'a')['epoch'] == 2


def log_of(runner) -> str:
    return next(Path(runner.log_dir).glob('*.log')).read_text()


@pytest.mark.parametrize('processor', ['ShortLogProcessor', 'LogProcessor'])
def test_validation_lines_hold_their_numbers_alone(tmp_path, processor):
    runner = make_runner(tmp_path, epochs=4, log_processor=dict(type=processor))
    runner.train()
    lines = [line for line in log_of(runner).splitlines() if 'Epoch(val)' in line]
    assert len(lines) == 4 and max(map(len, lines)) < 400
    for line in lines:
        assert 'accuracy/top1: ' in line and 'fer/ece: ' in line
        assert 'history' not in line and 'validated' not in line
        assert ('recall' in line) == (processor == 'LogProcessor')
    assert len(re.findall(r'neutral\s+happiness\s+sadness', log_of(runner))) == 4
    values = [json.loads(line) for line in next(tmp_path.rglob('vis_data/scalars.json')).open()]
    assert sum('fer/recall/neutral' in row for row in values) == 4


@pytest.mark.parametrize('metric', ['accuracy/top1', 'fer/mean_class_accuracy'])
def test_checkpoint_and_closing_table_follow_the_selection_metric(tmp_path, metric):
    runner = make_runner(tmp_path, epochs=3, settings=dict(selection_metric=metric))
    # Accuracy and mean-class accuracy that favour different epochs.
    scores = iter([(50.0, 30.0), (40.0, 45.0), (45.0, 20.0)])
    evaluate = runner.val_evaluator.evaluate

    def turned(size):
        first, second = next(scores)
        return evaluate(size) | {'accuracy/top1': first, 'fer/mean_class_accuracy': second}

    runner.val_loop.evaluator.evaluate = turned
    runner.train()
    epoch = dict([('accuracy/top1', 1), ('fer/mean_class_accuracy', 2)])[metric]
    (best,) = tmp_path.glob('best_*.pth')
    assert best.name == f'best_{metric.replace("/", "_")}_epoch_{epoch}.pth'
    assert f'best (epoch {epoch})' in log_of(runner) and 'last (epoch 3)' in log_of(runner)


def config(metric=None, save_best=None):
    values = dict(default_hooks=dict(checkpoint=dict(type='AtomicCheckpointHook')))
    if metric:
        values['selection_metric'] = metric
    if save_best:
        values['default_hooks']['checkpoint']['save_best'] = save_best
    return Config(values)


def test_the_selection_metric_is_one():
    assert selection_metric(config()) == selection_metric(Config({})) == 'accuracy/top1'
    assert selection_metric(config('a')) == selection_metric(config(save_best='a')) == 'a'
    assert selection_metric(config('a', 'a')) == selection_metric(config('a', 'auto')) == 'a'
    with pytest.raises(UserError, match=r"selection_metric is 'a'.*save_best is 'b'"):
        selection_metric(config('a', 'b'))
    with pytest.raises(UserError, match='one metric'):
        selection_metric(config(save_best=['a', 'b']))


def test_affectnet_selects_by_mean_class_accuracy():
    configs = Path(__file__).resolve().parents[3] / 'configs'
    assert selection_metric(Config.fromfile(configs / 'dacl_r18_affectnet7.py')) == 'fer/mean_class_accuracy'
    assert selection_metric(Config.fromfile(configs / 'dacl_r18_synthetic.py')) == 'accuracy/top1'
