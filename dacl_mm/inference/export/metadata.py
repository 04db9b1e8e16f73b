"""What a graph says of itself: ONNX's ``metadata_props``, all of them text."""

import json
from pathlib import Path
from typing import Any

from dacl_mm._version import __version__

from .source import Source


def metadata_of(source: Source, precision: str, detector: dict[str, Any] | None) -> dict[str, str]:
    """Return what is stored in a graph.

    Args:
        source: What is exported.
        precision: Of the graph.
        detector: Which faces the framing is for; None where the bundle has none.

    Returns:
        ``inference`` is the JSON of :class:`~dacl_mm.inference.ModelInfo`, ``preprocessing`` that of the
        steps from a crop to the input.
    """
    info = source.info
    return dict(
        inference=json.dumps(info.to_dict()),
        preprocessing=json.dumps(source.steps),
        detector=json.dumps(detector),
        classes=json.dumps(info.classes),
        input=f'RGB, uint8, (N, {info.size[1]}, {info.size[0]}, 3); normalisation is in the graph',
        output='calibrated class probabilities, float32, (N, K)',
        precision=precision,
        licence=info.licence or 'not stated',
        training=info.training or 'not stated',
        checkpoint_sha256=source.sha256,
        producer=f'dacl_mm {__version__}',
    )


def write_metadata(path: Path, values: dict[str, str]) -> None:
    """Store text in a graph's file."""
    import onnx

    graph = onnx.load(path)
    onnx.helper.set_model_props(graph, values)
    onnx.save(graph, path)
