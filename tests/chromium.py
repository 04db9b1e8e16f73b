"""A real browser for pages, where the machine has one."""

import re
import shutil

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
FLAGS = ('--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update')
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason='no Chromium on this machine: install it to test the page'
)


def brightness(color: str) -> float:
    """Return the luma of a CSS colour, 0 to 255."""
    red, green, blue = map(int, re.findall(r'\d+', color)[:3])
    return 0.299 * red + 0.587 * green + 0.114 * blue
