"""Figures of a report, without a browser."""

import json

import numpy as np
import pytest
from finished import write_runs

from dacl_mm.comparison.analysis.reading import read_runs
from dacl_mm.comparison.report import figures as fig
from dacl_mm.visualization.style import drawing, figure_to_array


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Finished runs of one epoch, with a class of a troublesome name."""
    folder = tmp_path_factory.mktemp('runs')
    write_runs(folder, seeds=2)
    for path in folder.glob('runs/*/*/*/result.json'):
        text = path.read_text().replace('"anger"', '"$x^{$"').replace('recall/anger', 'recall/$x^{$')
        result = json.loads(text)
        result['validation'] = [{'epoch': 1, 'accuracy/top1': 20.0, 'fer/mean_class_accuracy': 30.0}]
        result |= dict(loss=[1.5], selected_epoch=1, selection_metric='fer/mean_class_accuracy')
        result['attention'] = result['attention'] and result['attention'][:2]
        path.write_text(json.dumps(result))
    return folder


@pytest.fixture
def results(folder):
    (results,) = read_runs(folder, ['softmax', 'center', 'dacl'])
    return results


def draw(make, *args):
    with drawing():
        figure = make(*args)
        assert figure_to_array(figure).std() > 5
    return figure


def test_one_epoch_has_one_tick_and_the_selection_metric_a_name(results):
    loss, score = draw(fig.curves, results).axes
    for axis in (loss, score):
        low, high = axis.get_xlim()
        assert low <= 0.5 and high >= 1.5
        assert [tick for tick in axis.get_xticks() if low <= tick <= high] == [1]
    assert score.get_ylabel() == 'mean class accuracy on the held-out part, %'
    np.testing.assert_array_equal(score.lines[0].get_ydata(), [30.0])


def test_attention_is_drawn_with_whole_epochs(results):
    for axis in draw(fig.attention, results).axes[1:]:
        assert all(float(tick).is_integer() for tick in axis.get_xticks())


def test_confusion_panels_are_of_one_size(results):
    sizes = set()
    for method in results.present:
        figure = draw(fig.confusion, results, method)
        width, height = figure.get_size_inches()
        sizes |= {
            (round(box.width * width, 1), round(box.height * height, 1))
            for box in (axis.get_position() for axis in figure.axes)
        }
    assert len(sizes) == 1


@pytest.mark.parametrize('name', ['recall', 'embedding_maps', 'distance_figure'])
def test_any_class_name_can_be_drawn(results, name):
    figure = draw(getattr(fig, name), results)
    if name != 'distance_figure':
        names = [
            text.get_text() for text in (*figure.axes[0].get_xticklabels(), *figure.legends[0].get_texts())
        ]
        assert any('$x^{$' in text for text in names)
