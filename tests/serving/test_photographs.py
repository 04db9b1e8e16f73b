"""POST /predict and what is around it."""

import io
import socket
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import numpy as np
import pytest
from answering import CLASSES, Gate, running
from PIL import Image
from serving_pictures import picture

from dacl_mm.serving.limits import Limits


def bomb(side: int) -> bytes:
    """Return a PNG that says it has side x side pixels and holds none."""
    header = b'IHDR' + struct.pack('>IIBBBBB', side, side, 8, 2, 0, 0, 0)
    chunk = struct.pack('>I', 13) + header + struct.pack('>I', zlib.crc32(header))
    return b'\x89PNG\r\n\x1a\n' + chunk + struct.pack('>I', 100) + b'IDAT'


@pytest.fixture(scope='module')
def client():
    limits = Limits(megabytes=0.2, megapixels=1, rate=1e6, seconds=2)
    with running(limits, names=['faces.example.org']) as address, httpx.Client(base_url=address) as client:
        yield client


def post(client, data, kind='image/png', **options):
    return client.post(
        '/predict', content=data, headers={'Content-Type': kind, **options.pop('headers', {})}, **options
    )


def test_a_photograph_is_answered_with_typed_results(client):
    found = post(client, picture())
    assert found.status_code == 200 and found.headers['content-type'] == 'application/json'
    answer = found.json()
    (face,) = answer['faces']
    assert (answer['width'], answer['height']) == (40, 20) and answer['milliseconds'] > 0
    assert [face[key] for key in ('x', 'y', 'width', 'height')] == [5, 2.5, 20, 15]
    assert face['expression'] == 'happiness' and face['confidence'] == pytest.approx(200 / 255)
    assert tuple(face['probabilities']) == CLASSES
    assert sum(face['probabilities'].values()) == pytest.approx(1)
    assert len(face['landmarks']) == 5 and face['track'] is None and face['smoothed'] is None


def test_a_form_and_plain_bytes_say_the_same(client):
    answers = [
        post(client, picture()),
        post(client, picture(), 'application/octet-stream'),
        client.post('/predict', files={'image': ('me.png', picture(), 'image/png')}),
        client.post('/predict', files={'anything': picture()}),
    ]
    assert all(answer.status_code == 200 for answer in answers)
    assert len({str(answer.json()['faces']) for answer in answers}) == 1


def test_a_large_file_of_a_form_never_touches_the_disk(client, monkeypatch):
    """Starlette's own forms write what is above 1 MB to a temporary file."""
    monkeypatch.setattr('tempfile.TemporaryFile', lambda **_: 1 / 0)
    noise = np.random.default_rng(0).integers(0, 256, (500, 800, 3), np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).save(out, 'PNG')
    with running(Limits(rate=1e6)) as address:
        found = httpx.post(f'{address}/predict', files={'image': out.getvalue()})
    assert len(out.getvalue()) > 1_100_000 and found.status_code == 200


def test_the_whole_image_may_be_a_face(client):
    (face,) = post(client, picture(), params=dict(faces='crop')).json()['faces']
    assert [face[key] for key in ('x', 'y', 'width', 'height')] == [0, 0, 40, 20]


def test_no_face_and_an_unsure_one(client):
    assert post(client, picture(color='black')).json()['faces'] == []
    (face,) = post(client, picture(color=(60, 0, 0))).json()['faces']
    assert (
        face['expression'] == 'unsure'
        and max(face['probabilities'], key=face['probabilities'].get) == 'happiness'
    )


@pytest.mark.parametrize(
    ('kind', 'options'),
    [
        ('JPEG', {}), ('WEBP', {}), ('GIF', dict(mode='P')), ('BMP', {}), ('TIFF', {}), ('PPM', {}),
        ('PNG', dict(mode='L')), ('PNG', dict(mode='RGBA')), ('PNG', dict(mode='1')),
        ('JPEG', dict(mode='CMYK')),
    ],
)  # fmt: skip
def test_every_kind_of_image(client, kind, options):
    found = post(client, picture(kind, **options))
    assert found.status_code == 200 and found.json()['width'] == 40


def test_an_image_is_set_upright(client):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    assert post(client, picture('JPEG', exif=exif)).json()['width'] == 20


FAULTS = {
    'text': (b'hello', 'image/png', 415, 'not an image'),
    'script': (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 'image/svg+xml', 415, 'not an image'),
    'postscript': (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', 'image/png', 415, 'not an image'),
    'empty': (b'', 'image/png', 400, 'empty'),
    'truncated': (picture('PNG', (300, 300))[:-60], 'image/png', 400, 'damaged'),
    'truncated JPEG': (picture('JPEG', (300, 300))[:-200], 'image/jpeg', 400, 'damaged'),
    'bytes': (bytes(210_000), 'image/png', 413, '0.2 MB'),
    'pixels': (picture('PNG', (1100, 1000), 'black'), 'image/png', 413, '1100 x 1000 pixels'),
    'bomb': (bomb(30_000), 'image/png', 413, '1 megapixels'),
    'claim': (bomb(900), 'image/png', 400, 'damaged'),
    'tiny': (picture(size=(3, 3)), 'image/png', 422, 'at least 4 pixels'),
    'type': (picture(), 'text/html', 415, 'text/html: send'),
    'no type': (picture(), '', 415, 'no content type'),
    'no boundary': (picture(), 'multipart/form-data', 400, 'boundary'),
    'broken form': (b'--x\r\nhello', 'multipart/form-data; boundary=x', 400, 'form'),
    'field': (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
        'multipart/form-data; boundary=x', 400, 'form',
    ),
}  # fmt: skip


@pytest.mark.parametrize('fault', FAULTS)
def test_bad_input_is_refused_with_a_reason(client, fault):
    data, kind, status, reason = FAULTS[fault]
    found = post(client, data, kind)
    assert (found.status_code, list(found.json())) == (status, ['error'])
    assert reason in found.json()['error']
    assert post(client, picture()).status_code == 200


def test_two_files_are_one_too_many(client):
    found = client.post('/predict', files=[('a', picture()), ('b', picture())])
    assert found.status_code == 400 and 'one file' in found.json()['error']


def test_damaged_files_of_all_kinds_are_never_the_servers_fault(client):
    rng = np.random.default_rng(0)
    kinds = ('JPEG', 'PNG', 'WEBP', 'GIF', 'BMP', 'TIFF', 'PPM')
    for kind in kinds:
        whole = picture(kind, (64, 48))
        for _ in range(8):
            data = bytearray(whole)
            for at in rng.integers(0, len(data), 6):
                data[at] = rng.integers(256)
            found = post(client, bytes(data[: rng.integers(1, len(data) + 1)]))
            assert found.status_code in (200, 400, 413, 415, 422), (kind, found.text)


def raw_request(client, length: int) -> socket.socket:
    raw = socket.create_connection((client.base_url.host, client.base_url.port), timeout=20)
    head = ('Host: 127.0.0.1', 'Content-Type: image/png', f'Content-Length: {length}', '', '')
    raw.sendall('\r\n'.join(('POST /predict HTTP/1.1', *head)).encode())
    return raw


def test_far_too_many_bytes_are_refused_before_they_come(client):
    with raw_request(client, 99_999_999) as raw:
        assert raw.recv(1000).startswith(b'HTTP/1.1 413')


def test_nobody_is_listened_to_without_end(client):
    """A sender that does not say how much it sends is cut off; it may have read the reason before."""

    def endless():
        for sent in range(10**6):
            assert sent < 10**5
            yield bytes(10_000)

    with suppress(httpx.TransportError):
        assert post(client, endless()).status_code == 413
    assert post(client, picture()).status_code == 200


def test_a_slow_sender_is_not_waited_for(client):
    with raw_request(client, 100) as raw:
        raw.sendall(b'x')
        assert raw.recv(1000).startswith(b'HTTP/1.1 408')


@pytest.mark.parametrize('query', ['faces=none', 'faces='])
def test_a_parameter_that_cannot_be(client, query):
    found = post(client, picture(), params=query)
    assert found.status_code == 422 and found.json()['error'].startswith('faces: ')


def test_unknown_paths_and_methods(client):
    assert client.get('/nothing').json() == {'error': 'Not Found'}
    assert client.get('/predict').status_code == 405
    for path in ('/static/../app.py', '/static/%2e%2e/app.py', '/static//etc/passwd', '/static/'):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ('headers', 'status'),
    [
        ({'Host': 'localhost:1'}, 200),
        ({'Host': '192.168.1.7'}, 200),
        ({'Host': '[::1]:8000'}, 200),
        ({'Host': 'FACES.example.org'}, 200),
        ({'Host': 'evil.example.org'}, 403),
        ({'Host': 'localhost.evil.example.org'}, 403),
        ({'Host': ''}, 403),
        ({'Host': 'localhost:http'}, 403),
        ({'Host': 'faces.example.org', 'Origin': 'https://faces.example.org'}, 200),
        ({'Host': 'localhost:8000', 'Origin': 'http://localhost:8000'}, 200),
        ({'Host': 'localhost:8000', 'Origin': 'http://localhost:9000'}, 403),
        ({'Host': 'localhost:8000', 'Origin': 'https://evil.example.org'}, 403),
        ({'Host': 'localhost:8000', 'Origin': 'null'}, 403),
        ({'Host': 'localhost:8000', 'Origin': ''}, 403),
        ({'Host': 'localhost:8000', 'Origin': 'ftp://localhost:8000'}, 403),
        ({'Host': 'localhost', 'Origin': 'http://localhost.evil.example.org'}, 403),
    ],
)
def test_other_sites_are_kept_out(client, headers, status):
    found = post(client, picture(), headers=headers)
    assert found.status_code == status
    assert 'error' in found.json() if status == 403 else found.json()['faces']


def test_every_answer_keeps_the_browser_strict(client):
    answers = [
        client.get(path) for path in ('/', '/docs', '/static/main.js', '/healthz', '/metrics', '/nothing')
    ]
    answers += [post(client, b'x'), client.get('/', headers={'Host': 'evil.example.org'})]
    for answer in answers:
        assert answer.headers['content-security-policy'].startswith("default-src 'none'; script-src 'self'")
        assert "'unsafe" not in answer.headers['content-security-policy']
        assert answer.headers['x-content-type-options'] == 'nosniff'
        assert answer.headers['cache-control'] == 'no-store'
        assert 'server' not in answer.headers and 'access-control-allow-origin' not in answer.headers


def test_an_address_that_asks_too_often_is_told_when_to_come_again():
    with running(Limits(rate=2)) as address, httpx.Client(base_url=address) as client:
        found = [post(client, picture()) for _ in range(4)]
        assert [answer.status_code for answer in found[:2]] == [200, 200]
        assert found[3].status_code == 429 and found[3].headers['retry-after'] == '1'
        assert '2 requests a second' in found[3].json()['error']
        assert client.get('/healthz').status_code == 200


def test_only_a_named_proxy_is_believed_about_addresses():
    for proxies, statuses in (((), [200, 429]), (('127.0.0.1',), [200, 200])):
        with running(Limits(rate=0.01), proxies=proxies) as address, httpx.Client(base_url=address) as client:
            headers = [{'X-Forwarded-For': f'10.0.0.{i}'} for i in (1, 2)]
            assert [post(client, picture(), headers=it).status_code for it in headers] == statuses


def patient(address: str) -> httpx.Client:
    return httpx.Client(base_url=address, timeout=20)


def test_what_waits_is_bounded_and_in_time():
    """One is being answered, two wait, the fourth is sent away; then nobody waits for longer than allowed."""
    gate = Gate()
    limits = Limits(rate=1e6, waiting=2, seconds=2)
    with running(limits, gate) as address, ThreadPoolExecutor(4) as pool, patient(address) as client:
        jobs = [pool.submit(post, client, picture()) for _ in range(4)]
        found = [job.result() for job in jobs]
        assert [answer.status_code for answer in found] == [503] * 4
        reasons = [answer.json()['error'] for answer in found]
        assert sum('2 photographs are waiting' in reason for reason in reasons) == 1
        assert sum('no answer within 2 s' in reason for reason in reasons) == 3
        stuck = client.get('/healthz')
        assert (stuck.status_code, stuck.json()['status']) == (503, 'stuck')
        gate.set()
        assert post(client, picture()).status_code == 200
        assert client.get('/healthz').json()['status'] == 'ok'


def test_pages_come_while_the_model_works():
    gate = Gate()
    with (
        running(gate=gate) as address,
        ThreadPoolExecutor(1) as pool,
        httpx.Client(base_url=address) as client,
    ):
        job = pool.submit(post, client, picture())
        for _ in range(20):
            assert client.get('/healthz').status_code == 200
        assert not job.done()
        gate.set()
        assert job.result().status_code == 200


def test_health_says_what_answers(client):
    answer = client.get('/healthz').json()
    assert answer['status'] == 'ok' and answer['model'] == 'colours' and tuple(answer['classes']) == CLASSES


def test_counters_are_those_of_prometheus():
    from prometheus_client.parser import text_string_to_metric_families as parse

    with running() as address, httpx.Client(base_url=address) as client:
        post(client, picture())
        post(client, b'x')
        client.get('/made/up')
        families = {family.name: family for family in parse(client.get('/metrics').text)}
    requests = {
        tuple(s.labels.values()): s.value
        for s in families['fer_requests'].samples
        if s.name.endswith('total')
    }
    assert requests == {('/predict', '200'): 1, ('/predict', '415'): 1, ('other', '404'): 1}
    assert families['fer_faces'].samples[0].value == 1
    assert {
        'fer_image_seconds',
        'fer_streams',
        'fer_server_info',
        'process_resident_memory_bytes',
    } <= families.keys()


def test_the_description_names_every_path_and_answer(client):
    described = client.get('/openapi.json').json()
    assert set(described['paths']) == {'/predict', '/healthz', '/metrics'}
    post_ = described['paths']['/predict']['post']
    assert {'200', '400', '413', '415', '429', '503'} <= set(post_['responses'])
    assert {'image/*', 'multipart/form-data'} <= set(post_['requestBody']['content'])
    assert 'smoothed' in described['components']['schemas']['Face']['properties']


def test_a_fault_of_the_server_is_told_without_its_details(monkeypatch):
    monkeypatch.setattr('answering.Colours.__call__', lambda *_: 1 / 0)
    with running() as address:
        found = httpx.post(f'{address}/predict', content=picture(), headers={'Content-Type': 'image/png'})
    assert found.status_code == 500 and found.json() == {
        'error': 'a fault of the server, which its log shows'
    }
    assert 'content-security-policy' in found.headers
