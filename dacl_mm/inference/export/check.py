"""Graphs held against torch on images that neither training nor calibration has seen."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from dacl_mm.errors import UserError

from ..calibration import calibrated
from .images import Batch
from .standalone import Network

#: Greatest difference of a probability that a graph in float32 may show.
TOLERANCE = 1e-4


class Measured(NamedTuple):
    """What a graph does on held-out images."""

    images: int
    accuracy: float  # in percent
    torch_accuracy: float  # of the network that was exported
    difference: float  # the greatest, of a probability
    agreement: float  # images with the class that torch gives, in percent

    @property
    def loss(self) -> float:
        """Points of accuracy lost."""
        return self.torch_accuracy - self.accuracy


def measure(graphs: Mapping[str, Path], batches: Iterable[Batch], temperature: float) -> dict[str, Measured]:
    """Run graphs on images that torch has predicted.

    Args:
        graphs: Name -> file, with its metadata.
        batches: Images with torch's predictions.
        temperature: That the graphs divide the logits by.

    Returns:
        Name -> what was found.
    """
    networks = {name: Network(path, torch.get_num_threads()) for name, path in graphs.items()}
    found: dict[str, list[np.ndarray]] = {name: [] for name in graphs}
    labels, expected = [], []
    for batch in batches:
        labels.append(batch.labels)
        expected.append(calibrated(batch.probabilities, temperature))
        for name, network in networks.items():
            found[name].append(network.run(batch.crops))
    truth, torchs = np.concatenate(labels), np.concatenate(expected)
    return {name: _compare(np.concatenate(its), torchs, truth) for name, its in found.items()}


def _compare(its: np.ndarray, torchs: np.ndarray, truth: np.ndarray) -> Measured:
    its_class, torch_class = its.argmax(1), torchs.argmax(1)
    return Measured(
        images=len(truth),
        accuracy=100 * float((its_class == truth).mean()),
        torch_accuracy=100 * float((torch_class == truth).mean()),
        difference=float(np.abs(its - torchs).max()),
        agreement=100 * float((its_class == torch_class).mean()),
    )


def require_accuracy(found: Mapping[str, Measured], max_loss: float) -> None:
    """Refuse graphs that are not what was trained.

    Args:
        found: Precision -> what was measured; ``float32`` must equal torch, the others may lose.
        max_loss: How many points of accuracy, at most.

    Raises:
        UserError: If one differs by more; says by how much.
    """
    exact = found['float32']
    if not exact.difference <= TOLERANCE or exact.agreement < 100:
        raise UserError(
            f'the ONNX model in float32 is not the network of torch: on {exact.images:,} held-out images a '
            f'probability differs by {exact.difference:.2g} (at most {TOLERANCE:.0e} is right) and '
            f'{exact.agreement:.2f} % have the same class. Nothing was written; another version of torch or '
            'onnxruntime may translate it'
        )
    for name, measured in found.items():
        if name != 'float32' and not measured.loss <= max_loss:
            raise UserError(
                f'{name} loses {measured.loss:.2f} points of accuracy on {measured.images:,} held-out images '
                f'({measured.torch_accuracy:.2f} % of torch, {measured.accuracy:.2f} % of {name}), and '
                f'--max-loss allows {max_loss:g}. Nothing was written: leave {name} out of --precision, or '
                'allow more'
            )
