"""Stored feature maps as a data set, and as a backbone that hands them on."""

from typing import Any

import numpy as np
from mmengine.hooks import Hook
from mmengine.model import BaseModule
from mmengine.runner import Runner
from mmpretrain.registry import HOOKS, MODELS
from mmpretrain.structures import DataSample
from torch import Tensor
from torch.utils.data import Dataset

from .features import FeatureMaps


class StoredFeatures(Dataset[dict[str, Any]]):
    """Feature maps in place of images.

    Args:
        features: Those of a split.

    Attributes:
        view: Which view of each image is read.
    """

    def __init__(self, features: FeatureMaps) -> None:
        self.features = features
        self.CLASSES = features.classes
        self.metainfo = dict(classes=features.classes)
        self.view = 0

    def __len__(self) -> int:
        return len(self.features.label)

    def get_gt_labels(self) -> np.ndarray:
        """Return all class indices, (N,)."""
        return self.features.label.numpy()

    def shares(self) -> np.ndarray | None:
        """Return the soft labels, (N, K); None where there are none."""
        return None if self.features.score is None else self.features.score.numpy()

    def __getitem__(self, i: int) -> dict[str, Any]:
        """Return ``inputs`` (C, H, W) and ``data_samples``."""
        sample = DataSample(metainfo=dict(sample_idx=i)).set_gt_label(self.features.label[i])
        if self.features.score is not None:
            sample.set_gt_score(self.features.score[i])
        return dict(inputs=self.features.maps[self.view, i], data_samples=sample)


@MODELS.register_module()
class StoredBackbone(BaseModule):
    """Hands stored feature maps, (N, C, H, W), on to the neck."""

    def forward(self, inputs: Tensor) -> tuple[Tensor]:
        """Return the maps."""
        return (inputs,)


@HOOKS.register_module()
class NextViewHook(Hook):
    """Read another view of every image each epoch."""

    def before_train_epoch(self, runner: Runner) -> None:
        dataset = runner.train_dataloader.dataset
        dataset.view = runner.epoch % len(dataset.features.maps)
