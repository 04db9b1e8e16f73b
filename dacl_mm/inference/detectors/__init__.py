"""Face detectors behind one interface."""

from dacl_mm.errors import UserError

from .base import Detection, Detector

__all__ = ['Detection', 'Detector', 'build_detector']


def build_detector(spec: str) -> Detector:
    """Build a detector.

    Args:
        spec: ``retinaface``, ``mtcnn``, or ``yunet:FILE``.

    Raises:
        UserError: If there is no such detector, or what it needs is not installed.
    """
    name, _, file = spec.partition(':')
    if name == 'yunet' and file:
        from .yunet import YuNet

        return YuNet(file)
    if spec == 'retinaface':
        from .retinaface import RetinaFace

        return RetinaFace()
    if spec == 'mtcnn':
        from .mtcnn import MTCNN

        return MTCNN()
    raise UserError(
        f'there is no detector {spec!r}: say retinaface, mtcnn or yunet:FILE, or none for images that are '
        'faces already'
    )
