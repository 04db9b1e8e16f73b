"""Small files that would take gigabytes, or nest without end."""

import json
import os
import resource
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from contextlib import suppress

import numpy as np
import pytest
import torch
from layouts import affectnet_npy, affectnet_plus, fer2013, rafdb
from PIL import Image

from dacl_mm import arrays
from dacl_mm.arrays import BadArraysError, read_array, read_arrays
from dacl_mm.comparison.plan.records import read_json
from dacl_mm.datasets.images import open_image
from dacl_mm.datasets.readers.affectnet import AffectNet
from dacl_mm.datasets.readers.fer2013 import FER2013
from dacl_mm.datasets.readers.rafdb import RAFDB
from dacl_mm.datasets.storage.pixels import PixelFile
from dacl_mm.engine.checkpoint.loader import load_checkpoint
from dacl_mm.engine.checkpoint.run import noted_run
from dacl_mm.engine.checkpoint.stock import to_stock
from dacl_mm.errors import (
    ComparisonError,
    CorruptCheckpointError,
    DatasetError,
    UnreadableImageError,
    UserError,
)

NESTED = '[' * 200_000


def peak(function) -> float:
    """Return by how many MB a function raised the memory of a process of its own."""
    reading, writing = os.pipe()
    if not (child := os.fork()):
        try:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            function()
            after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            os.write(writing, str(after - before).encode())
        except BaseException as error:
            os.write(writing, repr(error)[:2000].encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        text = pipe.read()
    os.waitpid(child, 0)
    return int(text) / 1024


def refuse(kind, function, *args) -> None:
    with pytest.raises(kind):
        function(*args)


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


def png_with(path, *chunks: bytes) -> str:
    """Write a PNG of one pixel with further chunks before its pixels."""
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', 1, 1, 8, 0, 0, 0, 0))
    pixels = chunk(b'IDAT', zlib.compress(b'\0\0')) + chunk(b'IEND', b'')
    path.write_bytes(b'\x89PNG\r\n\x1a\n' + header + b''.join(chunks) + pixels)
    return str(path)


@pytest.mark.promise(
    'Security', 'text or a colour profile of a PNG would unpack to 256 MB', 'refused or passed over'
)
@pytest.mark.parametrize('name', [b'zTXt', b'iTXt', b'iCCP'])
def test_compressed_text_is_bounded(name, tmp_path):
    bomb = zlib.compress(bytes(2**28), 9)
    body = {b'zTXt': b'key\0\0', b'iTXt': b'key\0\1\0\0\0', b'iCCP': b'icc\0\0'}[name] + bomb
    path = png_with(tmp_path / 'x.png', chunk(name, body))
    assert os.path.getsize(path) < 300_000

    def look():
        with suppress(UnreadableImageError):
            open_image(path)

    assert peak(look) < 64


def test_many_texts_are_bounded(tmp_path):
    text = chunk(b'zTXt', b'key\0\0' + zlib.compress(bytes(2**20 - 1), 9))
    path = png_with(tmp_path / 'x.png', *[text] * 200)
    assert peak(lambda: refuse(UnreadableImageError, open_image, path)) < 128


@pytest.mark.promise(
    'Security', 'an image file holds hundreds of frames', 'its first frame is read, at the cost of one'
)
@pytest.mark.parametrize('kind', ['GIF', 'PNG', 'WEBP', 'TIFF'])
def test_one_frame_is_read(kind, tmp_path):
    frames = [
        Image.new('RGB', (512, 512), (i % 256, i // 256, 0)) for i in range(100 if kind == 'WEBP' else 400)
    ]
    path = tmp_path / 'x'
    frames[0].save(path, kind, save_all=True, append_images=frames[1:])
    begin = time.monotonic()
    assert peak(lambda: open_image(str(path))) < 32
    assert time.monotonic() - begin < 2 and open_image(str(path)).size == (512, 512)


def test_a_frame_larger_than_its_screen_is_counted(tmp_path):
    """A GIF says its size twice."""
    Image.new('L', (4, 4)).save(tmp_path / 'x.gif')
    data = bytearray((tmp_path / 'x.gif').read_bytes())
    place = data.index(b',\0\0\0\0\4\0\4\0')  # the frame's box
    data[place + 5 : place + 9] = struct.pack('<HH', 40_000, 40_000)
    (tmp_path / 'x.gif').write_bytes(data)
    assert peak(lambda: refuse(UnreadableImageError, open_image, str(tmp_path / 'x.gif'))) < 32


@pytest.mark.slow
@pytest.mark.promise('Security', 'a file named .jpg is PostScript', 'refused: Pillow would start Ghostscript')
def test_postscript_is_no_image(tmp_path, monkeypatch):
    """A ghostscript of our own tells whether it was started."""
    script = tmp_path / 'bin' / 'gs'
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n')
    script.chmod(0o755)
    (tmp_path / 'x.jpg').write_text(
        '%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n'
    )
    code = (
        'import sys; from PIL import Image; from dacl_mm.datasets.images import open_image\n'
        'try: (Image.open if sys.argv[2] == "plain" else open_image)(sys.argv[1]).load()\n'
        'except Exception as error: print(type(error).__name__)'
    )
    env = {**os.environ, 'PATH': f'{script.parent}:{os.environ["PATH"]}'}
    for how, started in (('ours', False), ('plain', True)):
        command = [sys.executable, '-c', code, str(tmp_path / 'x.jpg'), how]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        assert (tmp_path / 'started').exists() == started, done.stderr
        assert started or 'UnreadableImageError' in done.stdout


@pytest.mark.promise(
    'Security', 'a checkpoint of 1 MB would unpack to 268 MB', 'refused from its table of contents'
)
def test_a_compressed_checkpoint_is_refused(tmp_path):
    path = tmp_path / 'x.pth'
    torch.save(dict(state_dict=dict(w=torch.zeros(2**26))), path)
    with (
        zipfile.ZipFile(path) as plain,
        zipfile.ZipFile(tmp_path / 'y.pth', 'w', zipfile.ZIP_DEFLATED) as bomb,
    ):
        for part in plain.infolist():
            bomb.writestr(part.filename, plain.read(part))
    assert (tmp_path / 'y.pth').stat().st_size < 10**6
    load_checkpoint(path)
    with pytest.raises(CorruptCheckpointError, match='would unpack to 268,'):
        load_checkpoint(tmp_path / 'y.pth')
    assert peak(lambda: refuse(CorruptCheckpointError, load_checkpoint, tmp_path / 'y.pth')) < 32


@pytest.mark.promise(
    'Security', 'recorded predictions or a cache would unpack without end', 'refused by a limit'
)
def test_arrays_are_bounded(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / 'x.npz', a=np.zeros(2**25))
    assert (tmp_path / 'x.npz').stat().st_size < 10**6
    assert read_arrays(tmp_path / 'x.npz')['a'].nbytes == 2**28
    monkeypatch.setattr(arrays, 'MAX_BYTES', 2**27)
    for source in (tmp_path / 'x.npz', (tmp_path / 'x.npz').read_bytes()):
        assert peak(lambda: refuse(BadArraysError, read_arrays, source)) < 16  # noqa: B023


def header(text: str) -> bytes:
    data = text.encode().ljust(118) + b'\n'
    return b'\x93NUMPY\x01\0' + len(data).to_bytes(2, 'little') + data


@pytest.mark.parametrize('text', [
    f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({10**14},), }}",
    f"{{'descr': '<f8', 'fortran_order': False, 'shape': ({2**70},), }}",
    "{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }",
    "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    '-' * 9000 + '1', '(' * 9000, "{'descr': " + '[' * 9000, 'x', '',
])  # fmt: skip
def test_a_header_may_claim_anything(text, tmp_path):
    data = header(text) + b'\0' * 8
    assert peak(lambda: refuse(BadArraysError, read_array, data)) < 16
    affectnet_npy(tmp_path)
    (tmp_path / 'train_set/annotations/2_exp.npy').write_bytes(data)
    with pytest.raises(DatasetError, match=r'2_exp\.npy is no \.npy file of one value'):
        AffectNet(data_root=str(tmp_path))


@pytest.mark.promise('Security', 'a JSON file or a config text nests without end', 'refused, names the file')
def test_nesting_is_bounded(tmp_path):
    affectnet_plus(tmp_path)
    annotation = tmp_path / 'human_annotated/train_set/annotations/2.json'
    annotation.write_text(NESTED)
    with pytest.raises(DatasetError, match=r'2\.json: human-label and soft-label cannot be read'):
        AffectNet(data_root=str(tmp_path))
    (tmp_path / 'run.json').write_text(NESTED)
    with pytest.raises(ComparisonError, match=r'run\.json is damaged'):
        read_json(tmp_path / 'run.json')
    with pytest.raises(UserError, match=r'run\.json is damaged'):
        noted_run(tmp_path)
    for text in ('model = ' + '[' * 5000, 'model = ' + '-' * 100_000 + '1', 'model = ' + '1+' * 50_000 + '1'):
        with pytest.raises(UserError, match='cannot be read'):
            to_stock(dict(meta=dict(cfg=text), state_dict={}), 'x.pth')


@pytest.mark.promise('Security', 'a row of a list holds a field of megabytes', 'refused, names the file')
@pytest.mark.parametrize('write', [rafdb, fer2013])
def test_a_giant_field_is_refused(write, tmp_path):
    write(tmp_path)
    reader, path = {
        rafdb: (RAFDB, tmp_path / 'basic/EmoLabel/list_patition_label.txt'),
        fer2013: (FER2013, tmp_path / 'fer2013.csv'),
    }[write]
    with open(path, 'a') as file:
        file.write('\n"' + 'x' * 10**6)
    with pytest.raises(DatasetError, match=f'{path.name} cannot be read: field larger than field limit'):
        reader(data_root=str(tmp_path))


@pytest.mark.parametrize('row', [(-8, 1, 1), (24, -1, -1), (24, 2**40, 2**40), (24, 2**62, 3), (2**62, 1, 1)])
def test_stored_pixels_stay_within_their_file(row, tmp_path):
    path = tmp_path / 'pixels'
    path.write_bytes(np.array(row, np.int64).tobytes() + bytes(100))
    with pytest.raises(ValueError, match='bytes, expected'):
        PixelFile(None, 1, os.open(path, os.O_RDONLY))


def test_json_numbers_are_bounded(tmp_path):
    (tmp_path / 'x.json').write_text(json.dumps(dict(a=1)).replace('1', '1' * 10**5))
    with pytest.raises(ComparisonError):
        read_json(tmp_path / 'x.json')
