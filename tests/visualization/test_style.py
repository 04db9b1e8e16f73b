"""How figures look and are saved, without a display."""

import re
import subprocess
import sys

import numpy as np
import pytest
from conftest import REPO
from matplotlib.figure import Figure

from dacl_mm.visualization.style import INK, drawing, figure_to_array, legend, look, panels, to_inline, to_svg


def extent(figure: Figure, artist):
    """Return an artist's box in shares of the figure."""
    figure.canvas.draw()
    return artist.get_window_extent().transformed(figure.transFigure.inverted())


@pytest.mark.parametrize('length', [3, 30, 60])
@pytest.mark.parametrize('count', [1, 3, 9])
def test_legends_stay_inside_the_figure(length, count):
    with drawing():
        figure, (axis,) = panels(1, 1, (6, 4))
        for i in range(count):
            axis.plot([0, 1], [i, i], label=str(i) * length, **look(i))
        legend(figure, *axis.get_legend_handles_labels())
        figure_to_array(figure)
        box = extent(figure, figure.legends[0])
    assert box.x0 >= 0 and box.x1 <= 1 and box.y0 >= 0
    assert len(figure.legends[0].get_texts()) == count


def test_an_inline_figure_takes_the_page_color_and_tells_its_width():
    with drawing():
        figure, (axis,) = panels(1, 1, (5, 3))
        axis.set_title('costs $x$ & <more>')
        svg = to_svg(figure, 'a')
    inline = to_inline(svg, 'a', 'what it shows')
    assert '--inches: 5.00' in inline and INK not in inline and 'currentColor' in inline
    assert 'aria-label="what it shows"' in inline and 'costs $x$ &amp; &lt;more&gt;' in inline
    assert 'width="360pt"' not in inline and re.search(r'viewBox="0 0 360 216"', inline)
    assert all(name.startswith('a-') for name in re.findall(r'\bid="([^"]+)"', inline))


def test_methods_of_one_color_differ_in_marks():
    looks = [tuple(look(i).values()) for i in range(24)]
    assert len(set(looks)) == 24


def test_figure_to_array():
    figure = Figure(figsize=(2, 1), dpi=50, facecolor=(1, 0, 0))
    pixels = figure_to_array(figure)
    assert pixels.shape == (50, 100, 3) and pixels.dtype == np.uint8 and (pixels[0, 0] == (255, 0, 0)).all()


def test_pictures_choose_no_backend():
    """Who imports the package keeps the backend of their own, and no display is asked for."""
    code = (
        'import os; os.environ.pop("DISPLAY", None)\n'
        'import matplotlib\nbefore = matplotlib.get_backend(auto_select=False)\n'
        'import dacl_mm.verification.pictures, dacl_mm.comparison.report.page, dacl_mm.cli.browse_dataset\n'
        'assert matplotlib.get_backend(auto_select=False) == before\n'
    )
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, cwd=REPO)
    assert done.returncode == 0, done.stderr
