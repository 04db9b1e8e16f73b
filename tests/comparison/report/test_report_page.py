"""The report in a real browser."""

import os
import re
import shutil
from pathlib import Path

import pytest
from chromium import CHROMIUM, FLAGS, brightness, needs_chromium
from finished import write_runs

from dacl_mm.comparison.report.page import write_report

playwright = pytest.importorskip('playwright.sync_api')
pytestmark = needs_chromium


@pytest.fixture(scope='module')
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('report')
    methods = write_runs(folder, seeds=5)
    write_runs(folder, seeds=2, protocol='paper')
    broken = folder / 'runs/held-out/label_smooth/seed_0'
    broken.mkdir(parents=True)
    (broken / 'failed.json').write_text('{"status": 1, "log_end": "MemoryError: <script>alert(1)</script>"}')
    write_report(folder, methods, 'python tools/compare.py configs/compare/synthetic.py --work-dir cmp')
    if keep := os.environ.get('DACL_KEEP_REPORT'):
        shutil.copytree(folder, keep, dirs_exist_ok=True)
    return folder / 'report.html'


@pytest.fixture(scope='module')
def browser():
    with playwright.sync_playwright() as p:
        running = p.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def page(browser, report):
    """Open the page; afterwards nothing may have been logged or requested."""
    tab = browser.new_page(viewport=dict(width=1280, height=900))
    complaints, requests = [], []
    tab.on('console', lambda message: complaints.append(message.text))
    tab.on('pageerror', lambda error: complaints.append(str(error)))
    tab.on('request', lambda request: requests.append(request.url))
    tab.goto(report.as_uri())
    yield tab
    assert not complaints
    assert [url for url in requests if not url.startswith('data:')] == [report.as_uri()]
    tab.close()


def column(page, table: str, index: int) -> list[str]:
    cells = page.locator(f'{table} tbody tr > *:nth-child({index})')
    return [cells.nth(i).inner_text() for i in range(cells.count())]


def test_every_figure_is_there_and_visible(page, report):
    figures = page.locator('figure')
    names = [figures.nth(i).get_attribute('id') for i in range(figures.count())]
    assert len(names) == len(set(names))
    for kind in (
        'recall',
        'curves',
        'attention',
        'embedding',
        'distances',
        *(f'confusion_{i}' for i in range(4)),
    ):
        assert {f'{kind}_held-out', f'{kind}_paper'} <= set(names)
    assert 'forest' in names
    for i, name in enumerate(names):
        svg = figures.nth(i).locator('svg').first
        svg.scroll_into_view_if_needed()
        box = svg.bounding_box()
        assert svg.is_visible() and box['width'] > 300 and box['height'] > 100, name
        assert svg.locator('path').count() > 5, name
        for kind in ('svg', 'png'):
            assert (report.parent / 'figures' / f'{name}.{kind}').stat().st_size > 5000
    ids = page.evaluate("Array.from(document.querySelectorAll('[id]')).map(e => e.id)")
    assert len(ids) == len(set(ids))
    faces = page.locator('.faces img')
    assert faces.count() == 24
    assert page.evaluate('Array.from(document.images).every(i => i.complete && i.naturalWidth == 112)')


def test_text_says_what_the_numbers_say(page):
    text = page.inner_text('body')
    assert 'dacl beats softmax by' in text and 'cannot separate' in text
    assert 'corrected for 12 comparisons' in text
    assert 'best epoch picked on the test split, optimistic' in text
    assert 'picked on images held out of training' in text
    assert 'label_smooth, seed 0 (exit status 1)' in text
    page.locator('details.failed summary').click()
    assert '<script>alert(1)</script>' in page.inner_text('details.failed')
    assert 'configs/compare/synthetic.py --work-dir cmp' in text
    assert re.search(r'dacl: mean A 0\.\d+ → 0\.\d+', text)


def test_a_cut_interval_is_marked_and_explained(page):
    held, paper = (column(page, f'#table-{name}', 4) for name in ('held-out', 'paper'))
    assert not any('*' in cell for cell in held) and any(cell.endswith('100.00*') for cell in paper)
    assert page.locator('p.clipped').count() == 1
    assert (
        'Cut off at 0 or 100 %'
        in page.locator('#table-paper').locator('..').locator('~ p.clipped').inner_text()
    )


def test_both_protocols_stand_side_by_side(page):
    held, paper = (column(page, '#table-both', i) for i in (2, 3))
    assert held == column(page, '#table-held-out', 3)[:-1]  # but for the method whose run failed
    assert paper == column(page, '#table-paper', 3)


def test_tables_sort(page):
    header = page.locator('#table-held-out th').nth(2)
    header.locator('button').click()
    # The method without a finished run stays at the end.
    rising = [float(cell.split()[0]) for cell in column(page, '#table-held-out', 3)[:-1]]
    assert rising == sorted(rising) and len(rising) == 4 and header.get_attribute('aria-sort') == 'ascending'
    header.locator('button').click()
    falling = [float(cell.split()[0]) for cell in column(page, '#table-held-out', 3)[:-1]]
    assert falling == rising[::-1]
    page.locator('#table-held-out th').nth(0).locator('button').press('Enter')
    names = column(page, '#table-held-out', 1)
    assert names == sorted(names)
    difference = page.locator('#pairs-held-out th').nth(2)
    difference.locator('button').click()
    values = [float(cell) for cell in column(page, '#pairs-held-out', 3)]
    assert values == sorted(values) and min(values) < 0 < max(values)


def test_phone_dark_and_print(page):
    page.set_viewport_size(dict(width=360, height=740))
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    assert float(page.evaluate('parseFloat(getComputedStyle(document.body).fontSize)')) >= 14
    page.set_viewport_size(dict(width=1280, height=900))
    look = """[document.body, document.querySelector('figure svg')].map(
        (e, i) => getComputedStyle(e)[i ? 'color' : 'backgroundColor'])"""
    page.emulate_media(color_scheme='light')
    light = page.evaluate(look)
    page.emulate_media(color_scheme='dark')
    dark = page.evaluate(look)
    assert brightness(light[0]) > 200 and brightness(light[1]) < 80
    assert brightness(dark[0]) < 60 and brightness(dark[1]) > 180
    page.emulate_media(media='print', color_scheme='dark')
    assert brightness(page.evaluate(look)[0]) == 255
    assert page.pdf().count(b'/Type /Page') > 3


def test_a_phone_is_told_to_scroll_and_nothing_is_cut(page):
    page.set_viewport_size(dict(width=390, height=800))
    boxes = page.locator('.scroll')
    hidden = page.evaluate(
        """Array.from(document.querySelectorAll('.scroll')).map(
        e => [e.scrollWidth > e.clientWidth + 1,
              getComputedStyle(e, '::before').content.includes('scroll')])"""
    )
    assert len(hidden) == boxes.count() and all(wide == told for wide, told in hidden)
    assert sum(wide for wide, _ in hidden) > 10
    # Text of a figure is never smaller than three quarters of its natural size.
    scales = page.evaluate(
        """Array.from(document.querySelectorAll('figure svg')).map(
        e => e.getBoundingClientRect().width / (96 * parseFloat(e.style.getPropertyValue('--inches'))))"""
    )
    assert all(0.73 < scale <= 1 for scale in scales)


def test_confusion_panels_are_of_one_size_and_dark_in_dark_mode(page):
    page.emulate_media(color_scheme='dark')
    cells = """Array.from(document.querySelectorAll('figure[id^=confusion] svg')).map(svg =>
        Array.from(svg.querySelectorAll('[id*=QuadMesh] path')).map(e => [
            e.getBoundingClientRect().width, getComputedStyle(e).fill, getComputedStyle(e).fillOpacity]))"""
    found = page.evaluate(cells)
    assert len(found) == 8 and {len(svg) for svg in found} == {98, 147}
    widths = [width for svg in found for width, _, _ in svg]
    assert max(widths) - min(widths) < 2
    shown = [
        0 if fill == 'none' else brightness(fill) * float(opacity)
        for svg in found
        for _, fill, opacity in svg
    ]
    assert max(shown) < 130 and min(shown) < 10


def test_a_hard_image_names_the_methods_that_err(page):
    text = page.locator('.faces li').first.inner_text()
    assert re.search(
        r'runs wrong: softmax \d of 5, center \d of 5, dacl \d of 5, dacl_shuffled \d of 5', text
    )
