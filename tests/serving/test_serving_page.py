"""The page in a real browser, with a webcam that plays drawn faces."""

import os
import re
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from answering import CLASSES, running
from chromium import CHROMIUM, FLAGS, brightness, needs_chromium
from serving_pictures import picture

from dacl_mm.datasets.synthetic.draw_face import draw_face
from dacl_mm.serving.limits import Limits

playwright = pytest.importorskip('playwright.sync_api')
pytestmark = needs_chromium
WIDTH, HEIGHT = 640, 480
WATCH = """
window.faults = [];
document.addEventListener('securitypolicyviolation', (event) => {
    faults.push(`${event.violatedDirective} ${event.blockedURI}`); });
"""


def scene(expression: str, seed: int) -> np.ndarray:
    """Return a drawn face in front of a wall, RGB, uint8."""
    wall = np.linspace(150, 215, WIDTH)[None, :, None] * np.array([0.95, 0.98, 1.0])
    image = np.broadcast_to(wall, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    face = draw_face(expression, seed, 320)[..., ::-1]
    image[80:400, 96:416] = face
    return image


@pytest.fixture(scope='module')
def webcam(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp('webcam') / 'cam.y4m'
    with open(path, 'wb') as file:
        file.write(f'YUV4MPEG2 W{WIDTH} H{HEIGHT} F15:1 Ip A1:1 C420jpeg\n'.encode())
        for expression in CLASSES:
            file.write(b'FRAME\n' + cv2.cvtColor(scene(expression, 3), cv2.COLOR_RGB2YUV_I420).tobytes())
    return path


@pytest.fixture(scope='module')
def browser(webcam):
    flags = (
        '--use-fake-device-for-media-stream',
        '--use-fake-ui-for-media-stream',
        f'--use-file-for-fake-video-capture={webcam}',
    )
    with playwright.sync_playwright() as p:
        running = p.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        yield running
        running.close()


@pytest.fixture(scope='module')
def address():
    with running(Limits(rate=1e6, megapixels=1)) as address:
        yield address


@pytest.fixture
def page(browser, address):
    """Open the page; nothing may be complained about, and nothing be asked of anybody else."""
    tab = browser.new_page(viewport=dict(width=1200, height=900))
    tab.set_default_timeout(20_000)
    complaints, requests = [], []
    tab.on('console', lambda message: complaints.append(message.text))
    tab.on('pageerror', lambda error: complaints.append(str(error)))
    tab.on('request', lambda request: requests.append(request.url))
    tab.add_init_script(WATCH)
    tab.goto(address)
    yield tab
    assert not tab.evaluate('window.faults')
    expected = 'Failed to load resource: the server responded with a status of 4'
    assert not [text for text in complaints if not text.startswith(expected)]
    assert not [url for url in requests if not url.startswith((f'{address}/', f'blob:{address}/'))]
    tab.close()


def keep(page, name: str) -> None:
    """Keep a picture for people, where they ask for it."""
    if folder := os.environ.get('DACL_KEEP_PAGE'):
        page.screenshot(path=f'{folder}/{name}.png', full_page=True)


def start(page) -> None:
    page.get_by_role('button', name='Start camera').click()
    page.locator('#faces li').first.wait_for()


def choose(page, data: bytes, name: str = 'me.png') -> None:
    page.get_by_label('Choose photograph').set_input_files(dict(name=name, mimeType='image/png', buffer=data))


def until(page, condition) -> None:
    """Wait for a condition, a function of Python or an expression of the page."""
    for _ in range(200):
        if page.evaluate(condition) if isinstance(condition, str) else condition():
            return
        page.wait_for_timeout(100)
    pytest.fail(f'never so: {condition}')


def alert(page) -> str:
    page.locator('#alert').wait_for()
    return page.locator('#alert').inner_text()


def boxed(page, x: float, y: float) -> bool:
    """Return whether something is drawn over the image near a place in shares of it."""
    script = """([x, y]) => {
        const canvas = document.getElementById('boxes'), copy = new OffscreenCanvas(8, 8).getContext('2d');
        copy.drawImage(canvas, 4 - x * canvas.width, 4 - y * canvas.height);
        return copy.getImageData(0, 0, 8, 8).data.some((value) => value > 0); }"""
    return page.evaluate(script, [x, y])


def test_a_webcam_is_answered_with_boxes_names_and_bars(page):
    start(page)
    until(page, lambda: page.locator('#pace').inner_text() not in ('', '0.0 frames/s'))
    assert page.locator('#faces li').count() == 1
    assert page.locator('#faces h3').inner_text().startswith('Face 1: ')
    bars = page.locator('#faces dt')
    assert [bars.nth(i).inner_text() for i in range(bars.count())] == list(CLASSES)
    meters = page.get_by_role('meter')
    values = [float(meters.nth(i).get_attribute('aria-valuenow')) for i in range(meters.count())]
    lengths = [meters.nth(i).locator('div').bounding_box()['width'] for i in range(meters.count())]
    assert sum(values) == pytest.approx(1, abs=0.1)  # they change while they are read
    assert lengths.index(max(lengths)) == values.index(max(values))
    text = page.locator('#pace').inner_text()
    assert re.fullmatch(r'\d+\.\d frames/s, \d+ ms each', text)
    # The picture is mirrored, as people know themselves: so is the box, from 1/8 to 5/8 in the frame.
    assert boxed(page, 3 / 8, 0.5) and boxed(page, 7 / 8, 0.5) and not boxed(page, 1 / 8, 0.5)
    assert page.locator('#announcement').inner_text().startswith('1 face: ')
    keep(page, 'camera_light')
    page.get_by_role('button', name='Stop camera').click()
    assert page.evaluate("document.getElementById('video').srcObject") is None
    assert page.get_by_role('button', name='Start camera').get_attribute('aria-pressed') == 'false'


def test_smoothing_can_be_changed_while_the_camera_goes_on(page):
    streams = []
    page.on('websocket', lambda stream: streams.append(stream.url.partition('/stream')[2]))
    start(page)
    page.evaluate("window.before = document.getElementById('video').srcObject")
    page.get_by_label('Smoothing').fill('0')
    page.get_by_label('The whole image is a face').check()
    until(page, lambda: streams[-1] == '?faces=crop&smooth=0' and boxed(page, 0.999, 0.5))
    assert page.evaluate("before.active && before === document.getElementById('video').srcObject")
    assert streams[0] == '?faces=detect&smooth=0.3' and page.locator('#alert').is_hidden()


def test_a_screen_reader_is_not_flooded(page):
    begun = time.monotonic()
    page.evaluate("""async () => { window.said = 0;
        const count = new MutationObserver(() => { said += 1; });
        count.observe(document.getElementById('announcement'), { childList: true });
        const { announce } = await import('./static/notices.js');
        for (let i = 0; i < 30; i += 1) {
            announce(`answer ${i}`);
            await new Promise((done) => setTimeout(done, 50)); } }""")
    page.get_by_text('answer 29').wait_for(state='attached')
    assert 1 <= page.evaluate('said') <= 1 + (time.monotonic() - begun) / 3  # seconds between two
    live = page.locator('[aria-live], [role=status], [role=alert]')
    assert {live.nth(i).get_attribute('id') for i in range(live.count())} == {'alert', 'announcement'}


def test_a_photograph_is_chosen_dropped_and_pasted(page):
    happy = picture(size=(400, 300))
    choose(page, happy)
    page.locator('#faces li').first.wait_for()
    assert page.locator('#faces h3').inner_text() == 'Face 1: happiness 78 %'
    assert '400 \u00d7 300 pixels' in page.locator('#pace').inner_text()
    assert boxed(page, 1 / 8, 0.5) and boxed(page, 5 / 8, 0.5) and not boxed(page, 7 / 8, 0.5)
    for event, holder in (('drop', 'dataTransfer'), ('paste', 'clipboardData')):
        choose(page, picture(color='black'))
        page.get_by_text('No face.', exact=True).first.wait_for()
        page.evaluate(
            """([event, holder, bytes]) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], 'x.png', { type: 'image/png' }));
            const Kind = event === 'drop' ? DragEvent : ClipboardEvent;
            document.dispatchEvent(new Kind(event, { [holder]: data, cancelable: true })); }""",
            [event, holder, list(happy)],
        )
        page.get_by_text('Face 1: happiness 78 %').wait_for()


def test_a_whole_image_is_a_face_where_one_says_so(page):
    page.get_by_label('The whole image is a face').check()
    choose(page, picture(size=(400, 300)))
    page.locator('#faces li').first.wait_for()
    assert boxed(page, 0.001, 0.5) and not boxed(page, 1 / 8, 0.5)


def test_what_goes_wrong_is_said(page):
    choose(page, b'no image')
    assert alert(page).startswith('No answer: not an image of a known kind')
    choose(page, picture(size=(1100, 1000), color='black'))
    page.get_by_text('more than 1 megapixels').wait_for()
    choose(page, picture())
    page.locator('#faces li').first.wait_for()
    assert page.locator('#alert').is_hidden()


def failing(name: str) -> str:
    return f"navigator.mediaDevices.getUserMedia = async () => {{ throw new DOMException('', '{name}'); }}"


@pytest.mark.parametrize(
    ('broken', 'reason'),
    [
        (failing('NotAllowedError'), 'allow it'),
        (failing('NotFoundError'), 'no camera'),
        ("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })", 'https'),
    ],
)
def test_a_camera_that_cannot_be_had_is_explained(page, broken, reason):
    page.evaluate(f'() => {{ {broken} }}')
    page.get_by_role('button', name='Start camera').click()
    assert reason in alert(page)
    assert page.get_by_role('button', name='Start camera').is_enabled()


def test_a_camera_that_is_stopped_while_it_is_asked_for_is_closed(page):
    page.evaluate("""() => { const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (what) => {
            await new Promise((done) => setTimeout(done, 300));
            return (window.opened = await ask(what)); }; }""")
    page.get_by_role('button', name='Start camera').click()
    choose(page, picture(size=(400, 300)))
    page.get_by_text('Face 1: happiness 78 %').wait_for()
    until(page, 'window.opened?.active === false')
    assert '400 \u00d7 300 pixels' in page.locator('#pace').inner_text()


def test_the_keyboard_reaches_and_works_everything(page):
    reached = []
    for _ in range(4):
        page.keyboard.press('Tab')
        reached.append(page.evaluate('document.activeElement.id'))
        outline = page.evaluate("""() => { const element = document.activeElement;
            return getComputedStyle(element.closest('.button') ?? element).outlineWidth; }""")
        assert outline == '3px', reached
    assert reached == ['camera', 'file', 'crop', 'smooth']
    page.keyboard.press('ArrowRight')
    assert page.locator('#smooth-text').inner_text() == '0.4 s'
    for _ in range(3):
        page.keyboard.press('Shift+Tab')
    page.keyboard.press('Enter')
    page.locator('#faces li').first.wait_for()
    page.keyboard.press('Space')
    page.get_by_role('button', name='Start camera').wait_for()


def test_everything_has_a_name(page):
    start(page)
    snapshot = page.locator('body').aria_snapshot()
    for line in (
        'heading "Facial expressions" [level=1]',
        'button "Stop camera" [pressed]',
        'button "Choose photograph"',
        'checkbox "The whole image is a face"',
        'slider "Smoothing',
        'heading "Faces" [level=2]',
        'meter "happiness"',
    ):
        assert line in snapshot, snapshot
    assert page.evaluate('[...document.images].every((image) => image.alt)')


def test_light_dark_and_phone(page):
    start(page)
    look = """() => ['body', '.pace', '#faces dt', '#camera'].map((name) => {
        const element = document.querySelector(name);
        const behind = name === '#camera' ? element : element.closest('.faces li') ?? document.body;
        return [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor]; })"""
    for scheme, dark in (('light', False), ('dark', True)):
        page.emulate_media(color_scheme=scheme)
        for i, (ink, paper) in enumerate(page.evaluate(look)):
            assert contrast(ink, paper) >= 4.5, (scheme, i, ink, paper)
        assert (brightness(page.evaluate(look)[0][1]) < 60) == dark
    keep(page, 'camera_dark')
    page.set_viewport_size(dict(width=360, height=740))
    page.wait_for_timeout(300)
    assert page.evaluate('document.documentElement.scrollWidth') <= 360
    small = page.evaluate("""[...document.querySelectorAll('button, .button, select')].map(
        (element) => element.getBoundingClientRect().height).filter((height) => height)""")
    assert min(small) >= 44  # px: a thumb
    keep(page, 'phone_dark')


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two CSS colours, as WCAG 2 has it."""

    def luminance(color: str) -> float:
        share = np.array([int(value) / 255 for value in re.findall(r'\d+', color)[:3]])
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


def test_a_hidden_page_sends_nothing(page):
    start(page)
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    texts = ['']
    until(page, lambda: texts.append(page.locator('#pace').inner_text()) or texts[-1] == texts[-2])
    shown = texts[-1]
    page.wait_for_timeout(500)
    assert page.locator('#pace').inner_text() == shown
    page.evaluate("""() => { delete document.hidden;
        document.dispatchEvent(new Event('visibilitychange')); }""")
    playwright.expect(page.locator('#pace')).not_to_have_text(shown)


def test_the_api_is_described_by_a_page_of_our_own(page, address):
    page.get_by_role('link', name='API').click()
    page.get_by_role('heading', name='POST /predict').wait_for()
    text = page.inner_text('main')
    for part in (
        'GET /healthz',
        'GET /metrics',
        'WebSocket /stream',
        'Too many requests',
        'array of Face',
        'multipart/form-data',
    ):
        assert part in text, part
    assert page.locator('#types h3').count() >= 4
    keep(page, 'docs')
    page.set_viewport_size(dict(width=360, height=740))
    assert page.evaluate('document.documentElement.scrollWidth') <= 360


def test_a_server_that_stops_is_named(browser):
    tab = browser.new_page()
    with running(Limits(rate=1e6)) as address:
        tab.goto(address)
        start(tab)
    assert alert(tab) == 'The server has stopped.'
    choose(tab, picture())
    tab.get_by_text('is it still running?').wait_for()
    tab.close()
