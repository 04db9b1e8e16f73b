"""The network of an ONNX bundle."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dacl_mm.errors import MissingFileError, UserError

from .export.packages import TO_RUN, require_packages
from .info import ModelInfo


class OnnxClassifier:
    """A network that ``tools/export.py`` has written, on the CPU without torch.

    Args:
        path: Folder of the bundle, whose most exact model is taken; or one of its models.
        threads: That compute; as many as torch's by default.

    Raises:
        MissingFileError: If there is no such model.
        UserError: If ONNX Runtime is not installed, or the file is no model of a bundle.
    """

    def __init__(self, path: str | Path, threads: int | None = None) -> None:
        require_packages(TO_RUN, 'an ONNX bundle')
        from onnxruntime.capi import onnxruntime_pybind11_state as faults

        from .export.standalone import Network, find_model

        path = Path(path).expanduser()
        file = find_model(path) if path.is_dir() else path
        if file is None or not file.is_file():
            raise MissingFileError(
                f'{path} holds no model_*.onnx: take a folder that tools/export.py has written'
            )
        try:
            self.network = Network(file, threads or torch.get_num_threads())
        except (KeyError, ValueError, faults.Fail, faults.InvalidProtobuf, faults.InvalidGraph) as error:
            raise UserError(
                f'{file} is no model of a bundle ({type(error).__name__}: {error}): export it again'
            ) from error
        self.info = ModelInfo.from_dict(self.network.info, file)

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Return calibrated class probabilities of crops, RGB, uint8, (H, W, 3): float32, (N, K)."""
        return self.network(crops)
