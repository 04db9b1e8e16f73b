"""Confusion matrices."""

import numpy as np
import pytest

from dacl_mm.visualization import draw_confusion_matrix, figure_to_array
from dacl_mm.visualization.confusion import CHANGES, SHARES, shares
from dacl_mm.visualization.style import INK


def test_cells_show_share_and_count():
    confusion = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
    figure = draw_confusion_matrix(confusion, ['a', 'b $x', 'c'], 'title')
    axis = figure.axes[0]
    texts = [text.get_text() for text in axis.texts]
    assert texts == [
        '80\n(8)', '20\n(2)', '0\n(0)', '25\n(1)', '75\n(3)', '0\n(0)', '0\n(0)', '0\n(0)', '0\n(0)'
    ]  # fmt: skip
    assert [t.get_text() for t in axis.get_yticklabels()] == ['a (10)', 'b $x (4)', 'c (0)']
    assert axis.texts[0].get_color() == 'white' and axis.texts[1].get_color() == INK
    assert figure_to_array(figure).std() > 10


def test_shares():
    assert shares(np.array([[1, 3], [0, 0]])) == pytest.approx(np.array([[25.0, 75.0], [0, 0]]))


def test_a_cell_of_nothing_lets_the_page_show_through():
    assert SHARES(0.0)[3] == 0 and SHARES(1.0)[3] == 1
    assert CHANGES(0.5)[3] == pytest.approx(0, abs=0.01) and CHANGES(0.0)[3] == CHANGES(1.0)[3] == 1
