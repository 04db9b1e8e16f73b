"""Reading image files of any kind, or saying which one cannot be read."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS
from PIL import Image, ImageOps

from dacl_mm.errors import UnreadableImageError


def open_image(path: str) -> Image.Image:
    """Open and fully decode an image file.

    Raises:
        UnreadableImageError: If that fails; names the file.
    """
    try:
        image = Image.open(path)
        image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(
            f'{path} cannot be read as an image: {error}. Restore it, name it in exclude_file, or set '
            "unreadable='replace' for training"
        ) from error
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

    Unlike MMPretrain's ``LoadImageFromFile`` it refuses truncated files, which
    OpenCV fills with grey, and names the file.

    Required key: ``img_path``; ``pixels`` (H, W), uint8, where images are no
    files. Added: ``img`` (BGR, uint8), ``img_shape``, ``ori_shape``.
    """

    def transform(self, results: dict) -> dict:
        """Add the image.

        Raises:
            UnreadableImageError: If the file cannot be read.
        """
        pixels = results.pop('pixels', None)
        if pixels is None:
            img = to_bgr(open_image(results['img_path']))
        else:
            img = np.repeat(pixels[..., None], 3, axis=2)
        results['img'] = img
        results['img_shape'] = results['ori_shape'] = img.shape[:2]
        return results
