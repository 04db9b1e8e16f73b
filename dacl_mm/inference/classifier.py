"""Networks that name the expression of a face."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from mmcv.transforms import Compose
from torch import nn

from dacl_mm.errors import UserError

from .calibration import calibrated
from .from_checkpoint import read_model
from .info import ModelInfo


class Classifier(Protocol):
    """Names the expressions of cropped faces."""

    info: ModelInfo

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Return calibrated class probabilities, float32, (N, K).

        Args:
            crops: RGB, uint8, (H, W, 3) of any sizes; N may be 0.
        """
        ...


class TorchClassifier:
    """A network of this package, with the preprocessing of its test images.

    Args:
        model: An ``ImageClassifier`` with its data preprocessor, on its device, in evaluation mode.
        pipeline: What the test images pass after they are read, up to packing.
        info: What travels with the weights.
    """

    def __init__(self, model: nn.Module, pipeline: Compose, info: ModelInfo) -> None:
        self.model = model
        self._predict: Any = model.test_step
        self.pipeline = pipeline
        self.info = info

    @classmethod
    def from_files(cls, config: str | None, checkpoint: str, device: str | None = None) -> 'TorchClassifier':
        """Build the network of a config, and load its weights.

        Args:
            config: Config file; None takes the one that the checkpoint holds.
            checkpoint: Checkpoint file.
            device: As torch names it; by default a GPU where there is one.

        Raises:
            UserError: If the two do not fit together, or cannot be read.
        """
        return cls(*read_model(config, checkpoint, device))

    @torch.inference_mode()
    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Return calibrated class probabilities of crops, float32, (N, K).

        Raises:
            UserError: If the device has not enough memory for so many.
        """
        if not crops:
            return np.zeros((0, len(self.info.classes)), np.float32)
        packed = [self.pipeline(_record(crop)) for crop in crops]
        batch = {key: [item[key] for item in packed] for key in ('inputs', 'data_samples')}
        try:
            done = self._predict(batch)
        except torch.OutOfMemoryError as error:
            raise UserError(
                f'the GPU has no memory left for {len(crops)} faces at a time: lower the batch size'
            ) from error
        score = torch.stack([sample.pred_score for sample in done]).float().cpu().numpy()
        return calibrated(score, self.info.temperature)


def _record(crop: np.ndarray) -> dict[str, object]:
    """Return an image as a data set's first transform hands it on: BGR."""
    shape = crop.shape[:2]
    return dict(img=np.ascontiguousarray(crop[..., ::-1]), img_shape=shape, ori_shape=shape)
