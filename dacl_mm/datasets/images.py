"""Reading image files of any kind, or saying which one cannot be read."""

import warnings
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS
from PIL import Image, ImageOps

from dacl_mm.errors import UnreadableImageError, UserError

# A file of 164 kB can hold 13,000 x 13,000 pixels, which take 10 GB to look at. More than
# 8192 x 8192 are refused from the header, before anything is decoded.
MAX_PIXELS = 2**26
# Whatever a file is named. Pillow knows forty kinds more; of EPS it starts Ghostscript, which runs it.
FORMATS = ('JPEG', 'PNG', 'BMP', 'DIB', 'GIF', 'PPM', 'TIFF', 'WEBP')


def open_image(path: str) -> Image.Image:
    """Open and fully decode an image file of a data set.

    Raises:
        UnreadableImageError: If that fails, or the image has more than
            :data:`MAX_PIXELS`; names the file, and what the config can do about it.
    """
    try:
        return decode_image(path)
    except UnreadableImageError as error:
        raise UnreadableImageError(
            f"{error}. Restore it, name it in exclude_file, or set unreadable='replace' for training"
        ) from error


def decode_image(path: str) -> Image.Image:
    """Open and fully decode an image file.

    Raises:
        UnreadableImageError: If that fails, or the image has more than
            :data:`MAX_PIXELS`; names the file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', Image.DecompressionBombWarning)  # our own limit is lower
            image = Image.open(path, formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            image.close()
            raise ValueError(
                f'{image.width} x {image.height} pixels are more than {MAX_PIXELS:,}; store it smaller'
            )
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(f'{path} cannot be read as an image: {error}') from error
    return image


def to_bgr(image: Image.Image) -> np.ndarray:
    """Convert an image of any mode to BGR, uint8, (H, W, 3), upright.

    EXIF rotation is applied; 16-bit values are scaled to 8 bits; transparent
    pixels become white.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith('I;16') or image.mode == 'I':
        grey = (np.asarray(image).astype(np.uint32) / 257).round().clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ('RGBA', 'LA', 'PA') or 'transparency' in image.info:
        rgba = image.convert('RGBA')
        image = Image.alpha_composite(Image.new('RGBA', image.size, 'white'), rgba)
    return np.ascontiguousarray(np.asarray(image.convert('RGB'))[..., ::-1])


@TRANSFORMS.register_module()
class LoadFace(BaseTransform):
    """Load an image from its file, or from the data set's own pixels.

    ``grey`` is for networks that learn from grey images, as those of FER2013 are: a photograph in colour
    is another image to them.

    Unlike MMPretrain's ``LoadImageFromFile`` it refuses truncated files, which
    OpenCV fills with grey, and names the file. An image that is loaded already,
    as MMPretrain's inferencers do, is kept; a read-only one, as the storage's, is
    copied, so that later transforms may write into it.

    Required key: one of ``img`` (BGR or grey, uint8, (H, W, 3) or (H, W)),
    ``pixels`` (grey, uint8, (H, W)) and ``img_path``. Added: ``img`` (BGR, uint8,
    (H, W, 3)), ``img_shape``, ``ori_shape``.

    Args:
        grey: Whether colours become grey levels (ITU-R BT.601), the same in all three channels.
    """

    #: It draws nothing.
    random = False

    def __init__(self, grey: bool = False) -> None:
        self.grey = grey

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image.

        Raises:
            UnreadableImageError: If the file cannot be read.
            UserError: If the loaded image has another shape or type.
        """
        img = results.pop('pixels', results.get('img'))
        if img is None:
            img = to_bgr(open_image(results['img_path']))
        img = three_channels(img)
        if self.grey:  # grey levels stay what they are
            img = three_channels(cv2.cvtColor(img, cv2.COLOR_BGR2GRAY))
        results['img'] = img = img if img.flags.writeable else img.copy()
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results


def three_channels(img: np.ndarray, kind: str = 'a BGR image') -> np.ndarray:
    """Return a colour image as it is, and a grey one repeated to (H, W, 3).

    Args:
        img: Either of the two.
        kind: What is expected, for the message.

    Raises:
        UserError: If it is neither, or not uint8.
    """
    if img.dtype == np.uint8 and img.ndim == 2:
        return np.repeat(img[..., None], 3, axis=2)
    if img.dtype != np.uint8 or img.ndim != 3 or img.shape[2] != 3:
        raise UserError(
            f'expected {kind} of uint8, (H, W, 3), or a grey one, (H, W), got {img.dtype} of shape '
            f'{img.shape}'
        )
    return img
