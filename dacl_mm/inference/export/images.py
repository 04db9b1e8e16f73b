"""Images of a config's parts as the network's input, with what torch says of them."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from mmengine.config import ConfigDict
from mmpretrain.models.classifiers import ImageClassifier
from mmpretrain.registry import DATASETS
from torch.utils.data import Dataset

BATCH = 64


class Batch(NamedTuple):
    """Images of one size."""

    crops: np.ndarray  # RGB, uint8, (N, H, W, 3)
    labels: np.ndarray  # class indices, (N,)
    probabilities: np.ndarray  # of torch, not calibrated, (N, K)


def held_out(dataset: ConfigDict, model: ImageClassifier) -> Iterator[Batch]:
    """Yield the images of a data set in batches, with the model's own predictions.

    Args:
        dataset: Config, whose pipeline makes images of the network's size.
        model: Predicts them as in a validation: its data preprocessor, then ``predict``.
    """
    images = DATASETS.build(dataset)
    model.eval()
    for start in range(0, len(images), BATCH):
        samples = [images[i] for i in range(start, min(start + BATCH, len(images)))]
        inputs = [sample['inputs'] for sample in samples]
        with torch.no_grad():
            found = model.val_step(dict(inputs=inputs, data_samples=[s['data_samples'] for s in samples]))
        yield Batch(
            to_crops(torch.stack(inputs)),
            np.array([int(sample.gt_label) for sample in found]),
            np.stack([sample.pred_score.numpy() for sample in found]),
        )


def calibration_crops(dataset: ConfigDict, count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield a random part of a data set in batches of crops, uint8, (N, H, W, 3).

    Args:
        dataset: Config of the training images, without augmentation.
        count: How many images, at most.
        seed: Of the choice.
    """
    images: Dataset[dict[str, torch.Tensor]] = DATASETS.build(dataset)
    total = len(images)  # type: ignore[arg-type]
    chosen = np.random.default_rng(seed).permutation(total)[:count].tolist()
    for start in range(0, len(chosen), BATCH):
        yield to_crops(torch.stack([images[i]['inputs'] for i in chosen[start : start + BATCH]]))


def to_crops(inputs: torch.Tensor) -> np.ndarray:
    """Turn BGR images of a pipeline, uint8, (N, 3, H, W), to crops: RGB, (N, H, W, 3)."""
    return np.ascontiguousarray(inputs.numpy()[:, ::-1].transpose(0, 2, 3, 1))
