"""Face detectors behind one interface."""

from dacl_mm.errors import UserError

from .base import Detection, Detector
from .finder import Finder

__all__ = ['Detection', 'Detector', 'build_detector']

SMALLEST = 32  # px


def build_detector(spec: str) -> Detector:
    """Build a detector.

    Args:
        spec: ``retinaface`` or ``mtcnn``, patient, or ``retinaface:PX`` or ``mtcnn:PX``, which look once, at
            images of at most PX pixels (:class:`Finder`); or ``yunet:FILE``.

    Raises:
        UserError: If there is no such detector, or what it needs is not installed.
    """
    name, _, option = spec.partition(':')
    if name == 'yunet' and option:
        from .yunet import YuNet

        return Finder(YuNet(option))
    if name == 'retinaface':
        from .retinaface import RetinaFace

        return Finder(RetinaFace(), _size(spec, option))
    if name == 'mtcnn':
        from .mtcnn import MTCNN

        return Finder(MTCNN(), _size(spec, option))
    raise UserError(
        f'there is no detector {spec!r}: say retinaface, mtcnn or yunet:FILE, or none for images that are '
        'faces already'
    )


def _size(spec: str, option: str) -> int | None:
    if ':' not in spec:
        return None
    if not option.isdecimal() or int(option) < SMALLEST:
        raise UserError(
            f'--detector {spec}: after the colon stands the longer side in pixels at which it looks, at '
            f'least {SMALLEST}'
        )
    return int(option)
