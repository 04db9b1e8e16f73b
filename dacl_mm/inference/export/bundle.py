"""The folder that ``tools/export.py`` writes."""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from mmengine.logging import print_log

from . import PRECISIONS, standalone
from .card import model_card
from .check import Measured, measure, require_accuracy
from .detector import write_detector
from .folder import new_folder
from .graph import Deployed, write_graph
from .images import calibration_crops, held_out
from .metadata import metadata_of, write_metadata
from .reduced import write_float16, write_int8
from .source import Source


def export_bundle(
    source: Source,
    out: Path,
    precisions: Sequence[str] = ('float32',),
    max_loss: float = 0.5,
    calibration_images: int = 512,
) -> dict[str, Measured]:
    """Write a bundle, if its models do on the held-out images what torch does.

    Args:
        source: What is exported.
        out: Folder to write.
        precisions: Of the models in it. The one in float32 is always made and compared.
        max_loss: Points of accuracy that a model may lose.
        calibration_images: Training images from which int8 takes its ranges.

    Returns:
        Precision -> what was measured.

    Raises:
        UserError: If a model differs by more, or the folder cannot be written; nothing is, then.
    """
    with new_folder(out) as folder:
        detector = write_detector(folder)
        made = [name for name in PRECISIONS if name in ('float32', *precisions)]
        graphs = {name: folder / f'model_{name}.onnx' for name in made}
        for name, path in graphs.items():
            print_log(f'{name}: writing', 'current')
            _write(name, path, graphs['float32'], source, calibration_images)
            write_metadata(path, metadata_of(source, name, detector))
        print_log('comparing with torch on the held-out images', 'current')
        found = measure(graphs, held_out(source.held_out, source.model), source.info.temperature)
        require_accuracy(found, max_loss)
        for name in graphs.keys() - set(precisions):
            graphs.pop(name).unlink()
        shutil.copyfile(standalone.__file__, folder / 'predict.py')
        sizes = {name: path.stat().st_size for name, path in graphs.items()}
        card = model_card(source, {name: found[name] for name in graphs}, sizes, max_loss, detector)
        (folder / 'README.md').write_text(card)
        (folder / 'SHA256SUMS').write_text(_sums(folder))
    return found


def _write(name: str, path: Path, exact: Path, source: Source, calibration_images: int) -> None:
    if name == 'float32':
        write_graph(Deployed(source.model, source.info, source.rgb), source.info.size, path)
    elif name == 'float16':
        write_float16(exact, path)
    else:
        write_int8(exact, path, calibration_crops(source.training, calibration_images))


def _sums(folder: Path) -> str:
    """Return what ``sha256sum`` prints of the files."""
    files = sorted(file for file in folder.iterdir() if file.is_file())
    return ''.join(f'{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n' for file in files)
