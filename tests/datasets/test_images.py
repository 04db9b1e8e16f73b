"""Files that are refused before they are decoded, and pixels that are kept."""

import struct
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image

from dacl_mm.datasets.images import MAX_PIXELS, LoadFace, open_image
from dacl_mm.errors import UnreadableImageError


def png_header(path, width: int, height: int) -> None:
    """Write a PNG file that says its size and ends."""
    chunk = b'IHDR' + struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    data = b'\x89PNG\r\n\x1a\n' + struct.pack('>I', 13) + chunk + struct.pack('>I', zlib.crc32(chunk))
    empty = struct.pack('>I', 0) + b'IDAT' + struct.pack('>I', zlib.crc32(b'IDAT'))
    path.write_bytes(data + empty)


@pytest.mark.promise('Security', 'a file of kilobytes holds 67 megapixels or more', 'refused by its header')
@pytest.mark.parametrize('size', [(8193, 8192), (13_000, 13_000), (40_000, 30_000)])
def test_more_than_the_limit_is_refused_by_its_header(tmp_path, size):
    path = tmp_path / 'huge.png'
    png_header(path, *size)
    with warnings.catch_warnings():
        warnings.simplefilter('error')  # Pillow warns of what we refuse
        with pytest.raises(UnreadableImageError, match=r'huge\.png cannot be read as an image: .*pixels'):
            open_image(str(path))
        with pytest.raises(UnreadableImageError, match=r'huge\.png'):
            LoadFace()(dict(img_path=str(path)))


def test_the_limit_itself_is_read(tmp_path, monkeypatch):
    assert MAX_PIXELS == 8192**2
    monkeypatch.setattr('dacl_mm.datasets.images.MAX_PIXELS', 12)
    Image.new('L', (4, 3)).save(tmp_path / 'a.png')
    assert open_image(str(tmp_path / 'a.png')).size == (4, 3)
    Image.new('L', (13, 1)).save(tmp_path / 'a.png')
    with pytest.raises(UnreadableImageError, match='13 x 1 pixels are more than 12'):
        open_image(str(tmp_path / 'a.png'))


def test_a_loaded_image_is_kept(tmp_path):
    """It wins over a path; grey becomes three equal channels."""
    bgr = np.random.default_rng(0).integers(0, 256, (6, 5, 3), np.uint8)
    results = LoadFace()(dict(img=bgr, img_path=str(tmp_path / 'nowhere.png')))
    assert (results['img'] == bgr).all() and results['img_shape'] == results['ori_shape'] == (6, 5)
    grey = LoadFace()(dict(img=bgr[..., 0]))['img']
    assert grey.shape == (6, 5, 3) and (grey == bgr[..., :1]).all()


def test_colours_become_grey_levels_and_grey_levels_stay():
    bgr = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    found = LoadFace(grey=True)(dict(img=bgr))['img']
    luma = bgr.astype(float) @ (0.114, 0.587, 0.299)
    assert found.shape == bgr.shape and (np.ptp(found, axis=2) == 0).all()
    assert abs(found[..., 0] - luma).max() < 0.51
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    assert (LoadFace(grey=True)(dict(pixels=levels))['img'] == levels[..., None]).all()
