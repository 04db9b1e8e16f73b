"""Drawing as a transform, in the place of reading a file."""

from mmcv.transforms import BaseTransform
from mmpretrain.registry import TRANSFORMS

from .faces import draw_face


@TRANSFORMS.register_module()
class DrawFace(BaseTransform):
    """Draw the image of a record of :class:`SyntheticFaces`, instead of reading a file.

    Required keys: ``face_seed``, ``expression``. Added: ``img`` (BGR, uint8),
    ``img_shape``, ``ori_shape``.

    Args:
        size: Side of the image in pixels.
    """

    def __init__(self, size: int = 64):
        self.size = size

    def transform(self, results: dict) -> dict:
        """Add the image."""
        results['img'] = draw_face(results['expression'], results['face_seed'], self.size)
        results['img_shape'] = results['ori_shape'] = results['img'].shape[:2]
        return results
