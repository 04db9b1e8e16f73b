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
    raise UserError(f'there is no detector {spec!r}: say detector=none for images that are faces already')
