"""The WebSocket of webcams."""

import json
import socket
import time

import httpx
import pytest
from answering import CLASSES, Gate, running
from serving_pictures import picture
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from dacl_mm.serving.limits import Limits


def stream(address: str, query: str = '', **options):
    return connect(f'{address.replace("http", "ws")}/stream{query}', open_timeout=20, **options)


def ask(camera, data=None) -> dict:
    camera.send(picture('JPEG') if data is None else data)
    return json.loads(camera.recv(20))


def closed(camera) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as ended:
        camera.recv(20)
    return ended.value.rcvd.code, ended.value.rcvd.reason


def counted(address: str, line: str) -> None:
    """Wait for a line of the counters."""
    for _ in range(400):
        if line in httpx.get(f'{address}/metrics').text.splitlines():
            return
        time.sleep(0.05)
    pytest.fail(f'never counted: {line}')


@pytest.fixture(scope='module')
def address():
    with running(Limits(rate=1e6, megabytes=0.2, fps=1000)) as address:
        yield address


def test_frames_are_answered_smoothed_and_followed(address):
    with stream(address) as camera:
        first, second = ask(camera), ask(camera, picture('JPEG', color='blue'))
    assert (first['frame'], second['frame'], second['dropped']) == (0, 1, 0)
    (one,), (two,) = first['faces'], second['faces']
    assert one['track'] == two['track'] == 0 and tuple(two['smoothed']) == CLASSES
    assert two['probabilities']['happiness'] < 0.05 < two['smoothed']['happiness']


def test_smoothing_and_detection_can_be_left_out(address):
    with stream(address, '?smooth=0&faces=crop') as camera:
        ask(camera)
        (face,) = ask(camera, picture('JPEG', color='blue'))['faces']
    assert face['smoothed'] == face['probabilities'] and (face['width'], face['height']) == (40, 20)


@pytest.mark.parametrize('query', ['?smooth=-1', '?smooth=much', '?faces=none'])
def test_a_parameter_that_cannot_be(address, query):
    with pytest.raises(InvalidStatus) as refused:
        stream(address, query)
    assert refused.value.response.status_code == 403


def test_a_frame_that_cannot_be_read_ends_nothing(address):
    with stream(address) as camera:
        wrong = ask(camera, b'no image')
        assert 'not an image' in wrong['error'] and wrong['frame'] == 0
        assert ask(camera)['frame'] == 1


def test_text_and_large_frames_close_the_stream(address):
    with stream(address) as camera:
        camera.send('hello')
        assert closed(camera) == (1003, 'send image files as binary messages')
    with stream(address) as camera:
        camera.send(bytes(300_000))
        assert closed(camera)[0] == 1009


@pytest.mark.parametrize('origin', ['https://evil.example.org', 'null'])
def test_a_page_of_another_site_gets_no_stream(address, origin):
    with pytest.raises(InvalidStatus) as refused:
        stream(address, origin=origin)
    assert refused.value.response.status_code == 403
    with stream(address, origin=address) as camera:
        assert ask(camera)['faces']


def test_older_frames_are_dropped_never_queued():
    """While one frame is being answered 40 come: the last of them is the next to be answered."""
    gate = Gate()
    with running(Limits(rate=1e6), gate) as address, stream(address) as camera:
        camera.send(picture('JPEG'))
        assert gate.reached.wait(30)
        for _ in range(40):
            camera.send(picture('JPEG'))
        counted(address, 'fer_frames_total{what="dropped"} 39.0')
        gate.set()
        answers = [json.loads(camera.recv(20)) for _ in range(2)]
        counted(address, 'fer_frames_total{what="answered"} 2.0')
        counted(address, 'fer_streams 1.0')
        with pytest.raises(TimeoutError):
            camera.recv(0.3)
    assert [answer['frame'] for answer in answers] == [0, 40] and answers[1]['dropped'] == 39


def test_the_pace_is_limited():
    with running(Limits(rate=1e6, fps=10)) as address, stream(address) as camera:
        start = time.monotonic()
        for _ in range(6):
            ask(camera)
        assert time.monotonic() - start > 0.49


def test_streams_are_so_many_and_a_place_becomes_free():
    with running(Limits(rate=1e6, streams=2)) as address:
        with stream(address) as one, stream(address) as two, stream(address) as three:
            assert ask(one)['faces'] and ask(two)['faces']
            assert closed(three) == (1013, '2 cameras are being answered already: try again later')
        counted(address, 'fer_streams 0.0')
        with stream(address) as again:
            assert ask(again)['faces']


def test_streams_are_opened_so_often_and_idle_ones_closed():
    with running(Limits(rate=1, idle=0.3)) as address, stream(address) as first, stream(address) as second:
        assert closed(second)[0] == 1013
        assert closed(first) == (1001, 'no frame for 0.3 s')


def test_a_sender_that_vanishes_leaves_nothing(address):
    for _ in range(5):
        with stream(address, close_timeout=0) as connection:
            connection.send(picture('JPEG'))
            connection.socket.shutdown(socket.SHUT_RDWR)
    counted(address, 'fer_streams 0.0')


def test_a_frame_that_takes_too_long_has_its_answer():
    gate = Gate()
    with running(Limits(rate=1e6, seconds=0.3), gate) as address, stream(address) as camera:
        assert 'no answer within 0.3 s' in ask(camera)['error']
        gate.set()
        assert ask(camera)['faces']
