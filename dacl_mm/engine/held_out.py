"""What a model predicts for the held-out part of the training images, seen as test images are."""

from collections.abc import Iterable
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.runner import Runner

from dacl_mm.config import data_sets
from dacl_mm.errors import UserError


def check_held_out(cfg: Config, purpose: str) -> None:
    """Check that there is a part that neither trains nor tests.

    Args:
        cfg: The config.
        purpose: What is chosen on it, for the message.

    Raises:
        UserError: If there is none, or validation reads the test split.
    """
    if not cfg.get('val_dataloader'):
        raise UserError(f'{purpose} needs val_dataloader in the config: it is chosen on the held-out part')
    if any(dataset.get('split') == 'test' for dataset in data_sets(cfg.val_dataloader.dataset)):
        raise UserError(
            f'val_dataloader.dataset reads split "test": {purpose} would be chosen on the test images. Use '
            "split='val', and a checkpoint trained on split='train'"
        )


def held_out_loader(cfg: Config, seed: int | None = None) -> Any:
    """Return torch's loader of the held-out images, which go through the pipeline of the test.

    Args:
        cfg: A config that passes :func:`check_held_out`.
        seed: Of the workers.
    """
    loader = deepcopy(cfg.test_dataloader)
    loader.dataset = deepcopy(cfg.val_dataloader.dataset)
    for dataset in data_sets(loader.dataset):
        dataset.pipeline = deepcopy(next(data_sets(cfg.test_dataloader.dataset)).pipeline)
    return Runner.build_dataloader(loader, seed=seed)


@torch.no_grad()
def predict_all(model: Any, loader: Iterable[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return class probabilities, float64, (N, K), and labels, (N,), of a loader's images."""
    model.eval()
    samples = [sample for batch in loader for sample in model.test_step(batch)]
    score = torch.stack([sample.pred_score for sample in samples])
    return score.double().cpu().numpy(), np.array([int(sample.gt_label) for sample in samples])
