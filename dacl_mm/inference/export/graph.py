"""A trained network as an ONNX graph, from bytes to probabilities."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmpretrain.models.classifiers import ImageClassifier
from torch import Tensor, nn

from ..info import ModelInfo

INPUT, OUTPUT = 'crops', 'probabilities'


class Deployed(nn.Module):
    """Normalisation, network, temperature and softmax in one module.

    Attention and centres that only training needs take no part, and the graph has none of them.

    Args:
        model: Trained network.
        info: Its normalisation and temperature.
        rgb: Whether it takes RGB, else BGR.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, model: ImageClassifier, info: ModelInfo, rgb: bool) -> None:
        super().__init__()
        self.model = model
        self.rgb = rgb
        self.temperature = info.temperature
        for name, values in (('mean', info.mean), ('std', info.std)):
            self.register_buffer(name, torch.tensor(values).view(-1, 1, 1))

    def forward(self, crops: Tensor) -> Tensor:
        """Return class probabilities, float32, (N, K).

        Args:
            crops: RGB, uint8, (N, H, W, 3).
        """
        # Contiguous: of other layouts the average pooling becomes ten operators.
        images = crops.permute(0, 3, 1, 2).contiguous().float()  # (N, 3, H, W)
        images = (images - self.mean) / self.std
        logits: Tensor = self.model(images if self.rgb else images.flip(1), mode='tensor')
        return (logits.float() / self.temperature).softmax(1)


def write_graph(network: Deployed, size: tuple[int, int], path: Path) -> None:
    """Write a network as ONNX, for batches of any size.

    Args:
        network: In float32 on the CPU.
        size: Width and height of its input in pixels.
        path: File to write.
    """
    width, height = size
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    with _quiet(), torch.no_grad():
        program: Any = torch.onnx.export(
            network.eval(),
            (example,),
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_shapes={INPUT: {0: torch.export.Dim('batch')}},
            external_data=False,
            verbose=False,
        )
    _without_traces(program.model_proto, path)


def _without_traces(graph: Any, path: Path) -> None:
    """Write a graph without the stack traces of its making, which hold paths of this machine."""
    import onnx

    for node in graph.graph.node:
        del node.metadata_props[:]
    onnx.save(graph, path)


@contextmanager
def _quiet() -> Iterator[None]:
    """Drop what torch's exporter says of its own insides."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            yield
    finally:
        logger.setLevel(level)
