"""A network in the runtimes that an export serves."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmpretrain.registry import MODELS

from dacl_mm.config.device_pipeline import preprocessor_config
from dacl_mm.inference import ModelInfo
from dacl_mm.inference.export.graph import INPUT, Deployed, write_graph
from dacl_mm.inference.export.reduced import write_float16, write_int8

#: What maps crops, uint8, (N, H, W, 3), to probabilities, (N, K).
Runtime = Callable[[np.ndarray], Any]
CALIBRATION = 4  # batches of 16 drawn images: ranges do not change the speed


def build_runtimes(cfg: Config, size: int, folder: Path) -> dict[str, Runtime]:
    """Return name -> runtime of a network with drawn weights, on as many threads as torch has.

    Args:
        cfg: Config of the network.
        size: Side of its input in pixels.
        folder: Gets the graphs.
    """
    cfg.model.backbone.init_cfg = None
    preprocessor = preprocessor_config(cfg)
    info = ModelInfo('drawn', (), (size, size), tuple(preprocessor.mean), tuple(preprocessor.std))
    network = Deployed(MODELS.build(cfg.model), info, rgb=True).eval()
    files = {precision: folder / f'{precision}.onnx' for precision in ('float32', 'float16', 'int8')}
    write_graph(network, info.size, files['float32'])
    write_float16(files['float32'], files['float16'])
    draw = np.random.default_rng(0)
    images = (draw.integers(0, 256, (16, size, size, 3), dtype=np.uint8) for _ in range(CALIBRATION))
    write_int8(files['float32'], files['int8'], images)
    runtimes: dict[str, Runtime] = {'torch': _torch(network)}
    runtimes |= {f'ONNX {precision}': _onnx(file) for precision, file in files.items()}
    if find_spec('openvino'):
        runtimes |= {f'OpenVINO {name}': _openvino(files[name]) for name in ('float32', 'int8')}
    return runtimes


def _torch(network: Deployed) -> Runtime:
    @torch.inference_mode()
    def run(crops: np.ndarray) -> np.ndarray:
        probabilities: np.ndarray = network(torch.from_numpy(crops)).numpy()
        return probabilities

    return run


def _onnx(file: Path) -> Runtime:
    from dacl_mm.inference.export.standalone import open_session

    session = open_session(file, torch.get_num_threads())
    return lambda crops: session.run(None, {INPUT: crops})


def _openvino(file: Path) -> Runtime:
    import openvino

    # Without the hint it computes in bfloat16 where the CPU can, and does not say so.
    options = dict(INFERENCE_PRECISION_HINT='f32', INFERENCE_NUM_THREADS=torch.get_num_threads())
    compiled = openvino.Core().compile_model(file, 'CPU', options)
    return lambda crops: compiled(crops)
