"""MTCNN, three networks in a cascade; from facenet-pytorch.

References:
    [0] Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, 2016
    [1] facenet-pytorch (https://github.com/timesler/facenet-pytorch), trained on WIDER FACE
"""

import numpy as np
import torch

from dacl_mm.errors import UserError

from .base import Detection, detections


class MTCNN:
    """Slower than RetinaFace.

    Args:
        threshold: Least score of a face.

    Raises:
        UserError: If facenet-pytorch is not installed.
    """

    def __init__(self, threshold: float = 0.9) -> None:
        try:
            from facenet_pytorch import MTCNN as Cascade
        except ImportError as error:
            raise UserError(
                f"the detector mtcnn needs facenet-pytorch ({error}): pip install 'dacl-mm[inference]'"
            ) from None
        self.threshold = threshold
        self.cascade = Cascade(keep_all=True, device='cpu')

    @torch.no_grad()
    def __call__(self, image: np.ndarray) -> list[Detection]:
        if min(image.shape[:2]) < self.cascade.min_face_size:
            return []  # the cascade fails where it has no level
        corners, scores, points = self.cascade.detect(np.ascontiguousarray(image), landmarks=True)
        if corners is None:
            return []
        sure = np.flatnonzero(scores.astype(float) >= self.threshold)
        corners = corners[sure].astype(float)
        boxes = np.concatenate([corners[:, :2], corners[:, 2:] - corners[:, :2]], 1)
        return detections(boxes, scores[sure], points[sure].astype(float))
