"""Contact sheets and histograms."""

import numpy as np

from dacl_mm.visualization import contact_sheet, draw_class_histogram
from dacl_mm.visualization.sheets import CAPTION, GAP, TILE


def test_images_of_any_shape_are_fitted_in_their_places():
    red = np.zeros((20, 10, 3), np.uint8)
    red[..., 0] = 255
    blue = np.zeros((30, 60, 3), np.uint8)[..., ::-1]
    blue[..., 2] = 255
    sheet = np.asarray(contact_sheet([red, None, blue], ['a', 'b', 'c' * 200], columns=2))
    assert sheet.shape == (2 * (TILE + CAPTION + GAP), 2 * (TILE + GAP), 3)
    middle = TILE // 2
    assert (sheet[middle, middle] == (255, 0, 0)).all()
    assert (sheet[middle, 2] == 255).all(), 'a tall image leaves white at its sides'
    below = sheet[TILE + CAPTION + GAP :]
    assert (below[middle, middle] == (0, 0, 255)).all() and (below[2, middle] == 255).all()
    cross = sheet[:TILE, TILE + GAP : 2 * TILE + GAP]
    assert (cross[middle, middle] == (255, 0, 0)).all() and (cross[middle, 2] == 255).all()
    captions = below[TILE : TILE + CAPTION]
    assert captions[:, : TILE + GAP].min() < 128 and (captions[:, TILE + GAP :] == 255).all(), 'cut'


def test_histogram_shows_shares_and_counts():
    figure = draw_class_histogram({'train': [30, 10], 'test': [0, 0]}, ['happy', 'sad'])
    axis = figure.axes[0]
    assert [bar.get_height() for bar in axis.patches] == [75, 25, 0, 0]
    assert [text.get_text() for text in axis.texts] == ['30', '10', '0', '0']
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ['train (40)', 'test (0)']
