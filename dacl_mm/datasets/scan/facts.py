"""What one look at every image tells: fingerprints, sizes, pixel statistics."""

import hashlib
import io
from pathlib import Path

import numpy as np
from mmengine.logging import print_log
from PIL import Image

from dacl_mm.arrays import BadArraysError, read_array
from dacl_mm.datasets.images import decode_image, to_bgr
from dacl_mm.datasets.table import SampleTable
from dacl_mm.errors import UnreadableImageError
from dacl_mm.files import cache_dir, digest, load_cached, store_cached
from dacl_mm.processes import on_main_process

from .index import spread
from .parallel import over_chunks
from .states import file_states

HASH_SIZE = 16  # 256 bits: at 64, different faces collide
FACTS = np.dtype(
    [
        ('exact', 'S16'),
        ('perceptual', 'u1', HASH_SIZE * HASH_SIZE // 8),
        ('size', 'i4', 2),  # width, height
        ('mode', 'S8'),
        ('sum', 'f8', 3),  # of the RGB pixels in [0, 1]
        ('square', 'f8', 3),
        ('error', 'S160'),
    ]
)


def examine(table: SampleTable, i: int) -> np.ndarray:
    """Decode one image and return its FACTS; ``error`` tells why where it cannot be read."""
    import imagehash  # takes half a second of a start, and facts come from the cache

    facts = np.zeros((), FACTS)
    try:
        if table.pixels is not None:
            image = Image.fromarray(table.pixels[i].numpy())
        else:
            image = decode_image(table.path(i))
    except UnreadableImageError as error:
        facts['error'] = str(error.__cause__).encode()[:160] or b'unreadable'
        return facts
    bgr = to_bgr(image)
    # Hexadecimal: numpy strips trailing zero bytes of fixed-width strings.
    facts['exact'] = hashlib.blake2b(bgr.tobytes() + repr(bgr.shape).encode(), digest_size=8).hexdigest()
    upright = Image.fromarray(bgr[..., ::-1])
    facts['perceptual'] = np.packbits(imagehash.phash(upright, hash_size=HASH_SIZE).hash.ravel())
    facts['size'], facts['mode'] = image.size, image.mode.encode()
    pixels = bgr[..., ::-1].reshape(-1, 3) / 255.0
    facts['sum'], facts['square'] = pixels.sum(0), (pixels**2).sum(0)
    return facts


def image_facts(table: SampleTable) -> np.ndarray:
    """Look at every image once; the result is kept in the cache.

    A change of the list makes all be read again, and so does a file that was
    rewritten, where it is among the watched (:data:`index.WATCHED`). Of the
    processes of a distributed run the first looks, and hands the result to all.

    Returns:
        Structured array FACTS, (N,).
    """
    return on_main_process(lambda: _cached_facts(table))


def _cached_facts(table: SampleTable) -> np.ndarray:
    if table.pixels is None:
        content = file_states(table, spread(len(table)).tolist()).tobytes()
    else:
        content = table.pixels.numpy().tobytes()
    key = digest([str(FACTS), str(Path(table.root).resolve()), table.files.tobytes(), content])
    name = f'facts-{key}.npy'
    stored = load_cached(name)
    if stored is not None:
        try:
            facts = read_array(stored)
            if facts.dtype == FACTS and facts.shape == (len(table),):
                return facts
            reason = f'{facts.dtype} of shape {facts.shape}'
        except BadArraysError as error:
            reason = str(error)
        print_log(f'{cache_dir() / name} is damaged ({reason}): made anew', logger='current', level=30)
    parts = over_chunks(
        lambda chunk: np.array([examine(table, i) for i in chunk], FACTS),
        len(table),
        f'Looking at {len(table)} images',
    )
    facts = np.concatenate([np.zeros(0, FACTS), *parts])
    buffer = io.BytesIO()
    np.save(buffer, facts, allow_pickle=False)
    store_cached(name, buffer.getvalue())
    return facts
