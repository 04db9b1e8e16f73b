"""Image files of strangers."""

import io

import numpy as np
from PIL import Image

from dacl_mm.datasets.images import FORMATS, to_bgr

from .limits import Limits, Refusal


def decode(data: bytes, limits: Limits) -> np.ndarray:
    """Decode an image file; its size is looked up in the header before.

    Returns:
        RGB, uint8, (H, W, 3), upright.

    Raises:
        Refusal: If it is no image, damaged, or too large.
    """
    # Decoders raise errors of any class at bytes that were made to break them.
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        raise Refusal(
            413, f'the image has more than {limits.megapixels:g} megapixels: send a smaller one'
        ) from None
    except Exception:
        raise Refusal(415, f'not an image of a known kind: send one of {", ".join(FORMATS)}') from None
    with image:
        if image.width * image.height > limits.pixels:
            size = f'{image.width} x {image.height} pixels'
            raise Refusal(413, f'{size} are more than {limits.megapixels:g} megapixels: send a smaller image')
        try:
            return np.ascontiguousarray(to_bgr(image)[..., ::-1])
        except Exception as error:
            raise Refusal(400, f'the image is damaged: {error}') from None
