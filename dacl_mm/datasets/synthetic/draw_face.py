"""Drawing as a transform, in the place of reading a file."""

from typing import Any

import mmcv
from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from dacl_mm.datasets.images import three_channels

from .faces import draw_face


@TRANSFORMS.register_module()
class DrawFace(BaseTransform):
    """Draw the image of a record of :class:`SyntheticFaces`, instead of reading a file.

    An image that is loaded already, as MMPretrain's inferencers do, is brought to
    the size of the drawings.

    Required keys: ``face_seed`` and ``expression``, or ``img`` (BGR or grey, uint8).
    Added: ``img`` (BGR, uint8, (size, size, 3)), ``img_shape``, ``ori_shape``.

    Args:
        size: Side of the image in pixels.
    """

    #: Its pictures depend on the record alone.
    random = False

    def __init__(self, size: int = 64):
        self.size = size

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the image."""
        if 'img' in results:
            size = (self.size, self.size)
            results['img'] = mmcv.imresize(three_channels(results['img']), size, backend='pillow')
        else:
            results['img'] = draw_face(results['expression'], results['face_seed'], self.size)
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results
