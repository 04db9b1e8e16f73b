"""tools/serve.py as a process, with a network of random weights."""

import io
import json
import os
import re
import signal
import time

import httpx
import pytest
from conftest import REPO, run_tool
from networks import small_config, write_checkpoint
from PIL import Image
from tool_process import start
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from dacl_mm.cli import serve
from dacl_mm.datasets.synthetic.faces import draw_face
from dacl_mm.errors import UserError
from dacl_mm.inference import Predictor
from dacl_mm.serving.server import listen


def face() -> bytes:
    out = io.BytesIO()
    Image.fromarray(draw_face('happiness', 1, 96)[..., ::-1]).save(out, 'PNG')
    return out.getvalue()


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('model') / 'small.pth', small_config())


def serving(checkpoint, output, *args):
    """Start the tool on a free port; returns the process and its address."""
    options = ['--model', checkpoint, '--detector', 'none', '--port', '0', *args]
    process = start(REPO / 'tools' / 'serve.py', options, output)
    while not (found := re.search(r'answers at (\S+)', output.read_text())):
        assert process.is_alive(), output.read_text()
        time.sleep(0.05)
    return process, found[1]


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_it_answers_as_the_predictor_does_until_it_is_stopped(checkpoint, tmp_path, number):
    process, address = serving(checkpoint, tmp_path / 'output.txt')
    assert address.startswith('http://127.0.0.1:')
    found = httpx.post(f'{address}/predict', content=face(), headers={'Content-Type': 'image/png'}).json()
    (tmp_path / 'face.png').write_bytes(face())
    (expected,) = Predictor(checkpoint, faces='crop')(tmp_path / 'face.png').faces
    assert found['faces'][0]['probabilities'] == pytest.approx(expected.probabilities, abs=1e-5)
    assert found['faces'][0]['expression'] == expected.expression
    with connect(f'{address.replace("http", "ws")}/stream') as camera:
        camera.send(face())
        assert json.loads(camera.recv(30))['faces'][0]['track'] == 0
        os.kill(process.pid, number)
        with pytest.raises(ConnectionClosed) as ended:
            camera.recv(30)
        assert ended.value.rcvd.code == 1012
    process.join(60)
    output = (tmp_path / 'output.txt').read_text()
    assert process.exitcode == 0 and 'Traceback' not in output and 'Whoever' not in output


def test_other_addresses_are_warned_about(checkpoint, tmp_path):
    process, address = serving(checkpoint, tmp_path / 'output.txt', '--host', '0.0.0.0')
    assert httpx.get(address.replace('0.0.0.0', '127.0.0.1') + '/healthz').json()['status'] == 'ok'
    process.terminate()
    process.join(60)
    assert 'without password or encryption' in (tmp_path / 'output.txt').read_text()


@pytest.mark.parametrize(
    ('args', 'reason'),
    [
        (['--model', 'nowhere.pth'], 'nowhere.pth'),
        (['--port', '99999'], 'cannot listen on 127.0.0.1, port 99999'),
        (['--host', 'no.such.host.invalid'], 'cannot listen on no.such.host.invalid'),
        (['--rate', '0'], '0 is not a number above 0'),
        (['--rate', 'nan'], 'nan is not a number above 0'),
        (['--streams', '1.5'], '--streams'),
        (['--detector', 'none', '--unsure', '2'], 'unsure'),
    ],
)
def test_mistakes_end_with_a_message(checkpoint, args, reason):
    options = args if '--model' in args else ['--model', checkpoint, '--port', '0', *args]
    done = run_tool('serve', *options, check=False)
    assert done.returncode == 2 and reason in done.stderr and 'Traceback' not in done.stderr


def test_a_port_that_is_taken():
    with listen('127.0.0.1', 0) as taken, pytest.raises(UserError, match='choose another --host or --port'):
        listen('127.0.0.1', taken.getsockname()[1])


def test_a_missing_package_is_named_with_its_command(monkeypatch):
    monkeypatch.setattr('sys.argv', ['serve.py'])
    monkeypatch.setattr(serve, 'find_spec', lambda name: None if name == 'uvicorn' else True)
    with pytest.raises(UserError, match=re.escape("uvicorn: pip install 'dacl-mm[serve]'")):
        serve.main()
