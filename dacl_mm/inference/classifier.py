"""Networks that name the expression of a face."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

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
        info: What travels with its weights.
    """

    def __init__(self, info: ModelInfo) -> None:
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
        raise NotImplementedError

    def __call__(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        """Return calibrated class probabilities of crops, float32, (N, K)."""
        raise NotImplementedError
