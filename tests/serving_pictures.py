"""Small image files of one colour."""

import io

from PIL import Image

RED = (200, 0, 0)  # a happy face to the predictor of :mod:`answering`


def picture(kind='PNG', size=(40, 20), color=RED, mode='RGB', **options) -> bytes:
    out = io.BytesIO()
    Image.new('RGB', size, color).convert(mode).save(out, kind, **options)
    return out.getvalue()
