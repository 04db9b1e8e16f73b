"""The server under load: answers a second, how long they take, and the memory of it."""

import io
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from mmpretrain.registry import MODELS
from PIL import Image

from dacl_mm.config import load_config
from dacl_mm.errors import UserError

from .load import Load, cameras, memory, photographs
from .setting import Setting
from .table import Row

SERVE = (sys.executable, '-m', 'dacl_mm.cli', 'serve')
NETWORK = 'softmax_r18h_ferplus'  # of the size that ships
FRAME, FACE = (640, 480), 240  # px: a webcam, and a face in front of it
SECONDS = 2.0  # of each load in a round
CROWD, FPS = 4, 30  # cameras at a time, and the frames a second that each sends


def serve(setting: Setting) -> Iterator[Row]:
    """One camera that waits for answers, then a crowd of cameras and of photographs that do not."""
    files = sorted((setting.data / 'test').rglob('*.*'))[: setting.batch_size]
    frames = [_frame(file) for file in files]
    # No detector finds drawn faces; those are answered as the whole frame.
    query = '' if setting.source else 'faces=crop'
    rounds: list[tuple[Load, Load, Load, float]] = []
    with _server(setting.folder / 'serve') as address:
        for i in range(setting.rounds + 1):
            one = cameras(address, frames, 1, SECONDS, query=query)
            crowd = cameras(address, frames, CROWD, SECONDS, FPS, query)
            posted = photographs(address, frames, CROWD, SECONDS, query)
            if i:  # the first warms up
                rounds.append((one, crowd, posted, memory(address)))
    one_by_one, crowds, posts, sizes = zip(*rounds)
    for name, loads in (('1 camera', one_by_one), (f'{CROWD} cameras', crowds), (f'{CROWD} senders', posts)):
        yield Row(f'{name}: answers', [load.rate for load in loads], '1/s')
        for percent in (50, 95, 99):
            values = [1000 * load.percentile(percent) for load in loads]
            yield Row(f'{name}: latency, {percent} %', values, 'ms')
    yield Row(f'{CROWD} cameras: answered share', [len(load.latencies) / load.sent for load in crowds])
    yield Row('memory of the server', [size / 1e6 for size in sizes], 'MB')


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    """Start a server in a process, with a network of random weights; yields its address."""
    folder.mkdir(parents=True, exist_ok=True)
    cfg = load_config(NETWORK)
    weights = MODELS.build(cfg.model).state_dict()
    torch.save(dict(state_dict=weights, meta=dict(cfg=cfg.pretty_text)), folder / 'random.pth')
    command = [*SERVE, '--model', str(folder / 'random.pth'), '--port', '0', '--rate', '10000']
    output = folder / 'output.txt'
    with open(output, 'w') as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        while not (found := re.search(r' answers at (http://\S+)', output.read_text())):
            if process.poll() is not None:
                raise UserError(f'the server ended with {process.returncode}:\n{output.read_text()[-2000:]}')
            time.sleep(0.1)
        yield found[1]
    finally:
        process.terminate()
        process.wait()


def _frame(file: Path) -> bytes:
    """Return a JPEG of a webcam's size with a face in its middle."""
    frame = Image.fromarray(np.full((FRAME[1], FRAME[0], 3), 190, np.uint8))
    with Image.open(file) as face:
        frame.paste(
            face.convert('RGB').resize((FACE, FACE)), ((FRAME[0] - FACE) // 2, (FRAME[1] - FACE) // 2)
        )
    out = io.BytesIO()
    frame.save(out, 'JPEG', quality=85)
    return out.getvalue()
