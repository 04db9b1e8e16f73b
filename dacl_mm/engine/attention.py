"""Reading the attention of a trained network, and describing what it depends on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from torch import nn

from dacl_mm.datasets.draws import Draw
from dacl_mm.errors import UserError
from dacl_mm.evaluation.attention.statistics import (
    against_control,
    class_dependence,
    dimensions,
    input_share,
    movement,
    view_correlations,
)
from dacl_mm.evaluation.robustness import CoverRegion
from dacl_mm.evaluation.robustness.corrupt import after_loading
from dacl_mm.evaluation.robustness.cover import Box
from dacl_mm.models.attention import find_attention, find_weights

from .checkpoint.training_only import weights_of

#: Boxes (top, left, bottom, right) of upright faces that fill the image: each covers a quarter of it.
REGIONS: dict[str, list[Box]] = {'eyes': [(0.2, 0, 0.45, 1)], 'mouth': [(0.6, 0, 0.85, 1)]}
#: As much of the image, beside the face's middle.
CONTROL: list[Box] = [(0, 0, 1, 0.125), (0, 0.875, 1, 1)]
BATCH = 64


def check_attention(model: nn.Module, checkpoint: Mapping[str, Any], name: str) -> None:
    """Check that there is a trained attention to look at.

    Args:
        model: Without wrappers.
        checkpoint: What the file holds.
        name: Of the file.

    Raises:
        UserError: If the head has none, or one without weights, or the checkpoint leaves it out.
    """
    attention = find_attention(model)
    if attention is None or next(attention.parameters(), None) is None:
        raise UserError(
            'the head has no attention that learns: --attention describes those of DACL, ratio and precision'
        )
    if not any(key.startswith('head.attention.') for key in weights_of(checkpoint)):
        raise UserError(
            f'{name} has no weights of the attention: a best_*.pth leaves out what no prediction needs; '
            'give an epoch_*.pth'
        )


@torch.no_grad()
def read_attention(
    model: nn.Module, dataset: Any, index: Sequence[int], pipeline: Compose, view: int = 0
) -> np.ndarray:
    """Return A of some images through a pipeline, (N, d), in evaluation mode.

    Random transforms draw from the view and the image alone.

    Args:
        model: A classifier with attention, without wrappers.
        dataset: The images.
        index: Which of them, (N,).
        pipeline: In the place of the data set's own.
        view: Seeds the draws.
    """
    weigh: Any = find_weights(model)
    backbone: Any = model.backbone
    training = model.training
    model.eval()
    rows = []
    for start in range(0, len(index), BATCH):
        items = []
        for i in index[start : start + BATCH]:
            with Draw(0, view, int(i)).seeded():
                items.append(pipeline(dataset.get_data_info(int(i))))
        inputs = model.data_preprocessor(pseudo_collate(items))['inputs']  # type: ignore[operator]
        rows.append(weigh(backbone(inputs)[-1]).double().cpu().numpy())
    model.train(training)
    return np.concatenate(rows)


def describe_attention(
    model: nn.Module, dataset: Any, plain: Compose, augmented: Compose, num_images: int = 512, views: int = 4
) -> dict[str, Any]:
    """Describe what A depends on, over images that are spread evenly over a data set.

    Args:
        model: A classifier with attention, without wrappers.
        dataset: Labelled images.
        plain: The pipeline of tests.
        augmented: That of training, for several views of an image.
        num_images: How many at most.
        views: Augmented views of each.

    Returns:
        ``images``, ``input_share``, ``views``, ``dimensions``, ``classes`` and ``regions`` with what
        :mod:`dacl_mm.evaluation.attention.statistics` says of them, and ``class_means``, the mean A of
        each class less the mean of all, (K, d), by class index.
    """
    index = np.unique(np.linspace(0, len(dataset) - 1, num_images).astype(int))
    label = np.array([dataset.get_data_info(int(i))['gt_label'] for i in index])
    attention = read_attention(model, dataset, index.tolist(), plain)
    seen = [read_attention(model, dataset, index.tolist(), augmented, view) for view in range(1, views + 1)]
    covered = {
        name: movement(
            attention,
            read_attention(model, dataset, index.tolist(), after_loading(plain, CoverRegion(boxes))),
        )
        for name, boxes in {**REGIONS, 'control': CONTROL}.items()
    }
    mean = attention.mean(0)
    return dict(
        images=len(index),
        input_share=input_share(attention),
        views=view_correlations(np.stack(seen)),
        dimensions=dimensions(attention),
        classes=class_dependence(attention, label),
        regions={name: against_control(covered[name], covered['control']) for name in REGIONS},
        class_means={int(k): (attention[label == k].mean(0) - mean).tolist() for k in np.unique(label)},
    )


def restored(found: Any) -> Any:
    """Return what JSON kept of a description, which has no NaN, with NaN in the place of null."""
    if isinstance(found, Mapping):
        return {key: restored(value) for key, value in found.items()}
    return np.nan if found is None else found


def in_words(found: Mapping[str, Any]) -> list[str]:
    """Say what :func:`describe_attention` found, a sentence each."""
    views, size, classes = found['views'], found['dimensions'], found['classes']
    lines = [
        f'{100 * found["input_share"]:.1f} % of the variance of A lies between the {found["images"]} images, '
        'the rest is a fixed weight of each dimension',
        f'A correlates by {views["same_image"]:.2f} between augmented views of one image and by '
        f'{views["other_images"]:.2f} between images; {100 * views["image_share"]:.0f} % of the variance '
        'within a dimension lies between images',
        f'as if {size["effective"]:.1f} dimensions varied alike; {size["half"]:.0f} hold half of it',
        f'{100 * classes["share"]:.1f} % of the variance between images lies between classes (by chance '
        f'{100 * classes["by_chance"]:.1f} %, p = {classes["p"]:.3f})',
    ]
    for name, region in found['regions'].items():
        lines.append(
            f'covering the {name} moves A by {region["mean"]:.2f} of the distance between two images, a '
            f'control area of the same size by {region["control"]:.2f}; more in {100 * region["more"]:.0f} % '
            f'of the images (p = {region["p"]:.3g})'
        )
    return lines
