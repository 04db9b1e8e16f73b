"""YuNet, as OpenCV runs it, with a model file that the user has.

Reference: Wu et al., YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research 2023
"""

from pathlib import Path

import cv2
import numpy as np

from dacl_mm.errors import MissingFileError, UserError

from .base import Detection, detections

PROBE = np.zeros((64, 64, 3), np.uint8)


class YuNet:
    """Finds faces by ``cv2.FaceDetectorYN``.

    Args:
        file: The model, ``face_detection_yunet_*.onnx`` of OpenCV's model zoo.
        threshold: Least score of a face.
        overlap: Of two boxes with a greater intersection over union the better one stays.

    Raises:
        MissingFileError: If there is no such file.
        UserError: If it is another model.
    """

    def __init__(self, file: str, threshold: float = 0.8, overlap: float = 0.3) -> None:
        if not Path(file).expanduser().is_file():
            raise MissingFileError(f'--detector yunet:{file}: there is no such file')
        model = np.fromfile(Path(file).expanduser(), np.uint8)
        try:
            self.net = cv2.FaceDetectorYN.create(
                'onnx', model, np.array([], np.uint8), PROBE.shape[:2], threshold, overlap
            )
            self.net.detect(PROBE)  # another model fails in its first image
        except cv2.error as error:
            raise UserError(
                f'--detector yunet:{file} is no YuNet model ({error.err}): take '
                "face_detection_yunet_2023mar.onnx from OpenCV's model zoo"
            ) from None

    def __call__(self, image: np.ndarray) -> list[Detection]:
        self.net.setInputSize((image.shape[1], image.shape[0]))
        found = self.net.detect(np.ascontiguousarray(image[..., ::-1]))[1]  # box, landmarks, score: (n, 15)
        if found is None:
            return []
        return detections(found[:, :4], found[:, 14], found[:, 4:14].reshape(-1, 5, 2))
