"""Contact sheets."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

TILE, GAP, CAPTION = 96, 4, 14


def contact_sheet(
    images: Sequence[np.ndarray | None], captions: Sequence[str], columns: int = 10
) -> Image.Image:
    """Arrange images row by row, each fitted into a square tile, its caption below.

    Args:
        images: RGB, uint8, (H, W, 3), of any sizes; None, an image that cannot be read,
            is a crossed tile.
        captions: One for each; cut where longer than the tile is wide.
        columns: Most tiles in a row.
    """
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    width, height = TILE + GAP, TILE + CAPTION + GAP
    sheet = Image.new('RGB', (columns * width, rows * height), 'white')
    draw = ImageDraw.Draw(sheet)
    for i, (image, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = i % columns * width, i // columns * height
        sheet.paste(_crossed() if image is None else _fitted(image), (x, y))
        while draw.textlength(caption) > TILE:
            caption = caption[:-1]
        draw.text((x + 2, y + TILE), caption, fill='black')
    return sheet


def _fitted(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    scale = TILE / max(image.size)
    image = image.resize([max(1, round(side * scale)) for side in image.size])
    tile = Image.new('RGB', (TILE, TILE), 'white')
    tile.paste(image, ((TILE - image.width) // 2, (TILE - image.height) // 2))
    return tile


def _crossed() -> Image.Image:
    tile = Image.new('RGB', (TILE, TILE), 'white')
    draw = ImageDraw.Draw(tile)
    draw.line((0, 0, TILE, TILE), fill='red')
    draw.line((0, TILE, TILE, 0), fill='red')
    return tile
