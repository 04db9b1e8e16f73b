"""Finding a network by what a user calls it."""

from pathlib import Path

from dacl_mm.errors import MissingFileError, UserError

from .classifier import Classifier, TorchClassifier
from .onnx_classifier import OnnxClassifier

#: Of the network that comes with the package, ``weights/NAME.pth``.
SHIPPED = 'fer_r18h'
WEIGHTS = Path(__file__).resolve().parent.parent / 'weights'


def load_classifier(model: str = SHIPPED, config: str | None = None, device: str | None = None) -> Classifier:
    """Load a network.

    Args:
        model: Name of a shipped one, a checkpoint file, the folder of an ONNX bundle, or one of its models.
        config: Config of a checkpoint that holds none, or whose own is not wanted.
        device: As torch names it; by default a GPU where there is one.

    Raises:
        MissingFileError: If there is no such network.
        UserError: If it cannot be loaded.
    """
    path = Path(model).expanduser()
    if path.is_dir() or path.suffix == '.onnx':  # of tools/export.py
        for option, given in (('config', config), ('device', None if device == 'cpu' else device)):
            if given is not None:
                raise UserError(
                    f'{path} is an ONNX bundle, which has no {option} {given}: leave {option} out'
                )
        return OnnxClassifier(path)
    shipped = WEIGHTS / f'{model}.pth'
    if shipped.parent == WEIGHTS and shipped.is_file():
        path = shipped
    if not path.is_file():
        names = sorted(file.stem for file in WEIGHTS.glob('*.pth'))
        raise MissingFileError(
            f'there is no model {model}: say a checkpoint file, the folder of an ONNX bundle, or one '
            f'of those that come with the package ({", ".join(names) or "none in this installation"})'
        )
    return TorchClassifier.from_files(config, str(path), device)
