"""Smaller and faster versions of a graph: 16-bit weights, and 8-bit whole numbers."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from .graph import INPUT

#: Layers with weights. What comes before the first and after the last of them stays in float32.
WEIGHTED = ('Conv', 'Gemm', 'MatMul')


def write_float16(source: Path, path: Path) -> None:
    """Write a graph whose weights and arithmetic are of 16 bits; input and output stay as they are.

    Args:
        source: Graph in float32.
        path: File to write.
    """
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    graph = onnx.load(source)
    exact = _outside_of_layers(graph)
    onnx.save(convert_float_to_float16(graph, keep_io_types=True, node_block_list=exact), path)


def write_int8(source: Path, path: Path, crops: Iterable[np.ndarray]) -> None:
    """Write a graph that computes in 8 bits: QDQ, weights per channel, activations without sign.

    Weights use 7 of the 8 bits, since CPUs without VNNI add products of bytes in 16 bits, which
    8 would overflow.

    Args:
        source: Graph in float32.
        path: File to write.
        crops: Batches of images from which the range of each activation is taken.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(CalibrationDataReader):  # type: ignore[misc, unused-ignore]
        def __init__(self) -> None:
            self.batches = iter(crops)

        def get_next(self) -> dict[str, Any] | None:
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: batch}

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        prepared = Path(folder) / 'prepared.onnx'
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantize_static(
            prepared,
            path,
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=_outside_of_layers(onnx.load(prepared)),
        )


def _outside_of_layers(graph: Any) -> list[str]:
    """Return the names of the nodes before the first and after the last layer with weights."""
    nodes = list(graph.graph.node)
    layers = [i for i, node in enumerate(nodes) if node.op_type in WEIGHTED]
    return [node.name for i, node in enumerate(nodes) if not layers[0] <= i <= layers[-1]]
